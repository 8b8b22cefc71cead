"""What may know what: each module of the harness has a layer, and imports go one way."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from source_tree import ROOT, harness_modules, imported, module_of, outer_packages, own_modules, place, sources

from harness.package import AGENT_FILES, AGENT_FOLDERS

# The layer of every module: one may import its own layer and those before it, never one that comes after.
LAYERS = {
    "values": """
        account action answer attribution errors history host mapping mistake platform_name point result
        scenario_document schedule sources sources.base sources.dynamodb sources.kinesis stack stores stream_event
        verdict agent agent.host services services.base runtimes.base""",
    "decisions": """
        aim dead_letter difference dimension duration expectation fault_entry filters implementation judge lane
        ledger mapping_settings mentions redelivery scenario_part seeds sentences agent.subject
        workloads.generator workloads.own_items faults faults.base faults.crash faults.delay
        faults.disable_mapping faults.duplicate_put faults.function_error faults.kill_function
        faults.kill_platform faults.leave_unprocessed faults.lose_reply faults.lose_request faults.noop
        faults.partial_failure faults.pause_platform faults.recreate_mapping faults.redeliver faults.refuse
        faults.restart_platform faults.roll_back faults.slow_platform faults.throttle_function faults.timeout
        checkers checkers.base checkers.completeness checkers.dead_lettered checkers.duplicated checkers.lost
        checkers.phantom checkers.reordered checkers.vacuity checkers.wrong_final_state
        platforms.capabilities platforms.entrances platforms.processed
        reports reports.base reports.json reports.line reports.table reports.text
        matrix matrix.aims matrix.tally""",
    "effects": """
        actors cache chance change_set clock cloudformation code_bucket confinement delivery dispatcher
        disruptions distributions endpoint_server environment hook imports interrupt intrinsics landings
        lane_worker loading location names nemesis observer package replacement requirements resources
        roles sam scenario scenario_file scenario_schema sdk_retries settings shard_reader simulation
        sink_resources starter stillness store stream_reader template template_document thread_host threads
        tickets until user_deployment user_stack variants watching where
        agent.body agent.connections agent.control agent.enact agent.entry agent.entry_names agent.execution agent.plan
        agent.process agent.raised agent.response agent.unprocessed agent.wire
        platforms platforms.attendance platforms.aws platforms.base platforms.deployed platforms.deployment
        platforms.embedded platforms.function_history platforms.inbox platforms.harness_mapping
        platforms.imitated_disruptions platforms.left_over platforms.localstack platforms.outages
        platforms.platform_mapping platforms.provision
        runtimes runtimes.compose runtimes.container runtimes.explain runtimes.health runtimes.host runtimes.install
        runtimes.interpreter runtimes.java runtimes.layout runtimes.localstack runtimes.lock runtimes.os_process
        runtimes.executor runtimes.executor.child runtimes.executor.dynamodb_local
        runtimes.executor.fork_server runtimes.executor.function_process runtimes.executor.function_starter
        runtimes.executor.kinesis_mock runtimes.executor.parent runtimes.executor.plugin
        runtimes.executor.process_executor runtimes.executor.runtime_api
        services.attribute_value services.capacity services.dynamodb services.endpoints services.execution
        services.expiry services.expressions services.functions services.item_storage services.kinesis services.moto
        services.partiql services.queues services.shard services.stream_record services.streams services.tables
        services.tokens services.update_expression
        workloads workloads.base workloads.batch_put workloads.blind_batch_put workloads.blind_create
        workloads.blind_transact_add workloads.blind_versioned_put workloads.client workloads.create_once
        workloads.expiring_put workloads.put workloads.put_record
        workloads.put_then_delete workloads.stamped_put workloads.transact_add workloads.update_add workloads.update_set
        workloads.versioned_put""",
    "runner": """
        exit_code jobs outcome runner side_by_side
        matrix.cell matrix.consumers matrix.document matrix.markdown matrix.page matrix.player matrix.report_folder
        matrix.selection""",
    "front": """
        __main__ cli init_command matrix_command progress pytest_plugin readme reference runtime_commands
        template_options where_options workflow_commands""",
}
LAYER = {module: layer for layer, modules in LAYERS.items() for module in modules.split()}
ORDER = list(LAYERS)

# What runs in the process of somebody else, with that one's packages; and what comes with a package that is asked for.
GUESTS = ("pytest_plugin", "runtimes.executor")
COMES_ALONG = {"botocore", "pydantic_core"}
IN_THE_RUNTIME = {"awslambdaric", "boto3", "botocore"}  # of a function in Python, at Lambda

# What only the effects may touch: the machine, its clocks and its chance.
EFFECTFUL = {"boto3", "moto", "os", "shutil", "socket", "subprocess", "tempfile", "time", "uuid"}


def test_every_module_has_a_layer() -> None:
    """A new module gets its layer here, and one that went leaves the table."""
    assert set(harness_modules()) == set(LAYER)


def test_imports_go_one_way() -> None:
    """Values, decisions, effects, the runner, the command line: each knows only what comes before it."""
    upward = {
        f"{module} ({layer}) imports {name} ({LAYER[name]})"
        for module, layer in LAYER.items()
        if module in harness_modules()
        for name in own_modules(harness_modules()[module])
        if name in LAYER and ORDER.index(LAYER[name]) > ORDER.index(layer)
    }
    assert upward == set()


def test_values_and_decisions_touch_nothing() -> None:
    """They import no clock, no file system, no network, no process: a table of inputs is all their tests need."""
    pure = {module: file for module, file in harness_modules().items() if LAYER.get(module) in ("values", "decisions")}
    assert {module: found for module, file in pure.items() if (found := outer_packages(file) & EFFECTFUL)} == {}


def requiring() -> list[Path]:
    """The handlers whose folder says what else they need."""
    return [file for file in sources("lambda") if (file.parent / "requirements.txt").is_file()]


def test_handlers_know_nothing_of_the_harness() -> None:
    """What is under test could be deployed as it is."""
    siblings = {file.stem for file in sources("lambda")}
    allowed = sys.stdlib_module_names | siblings | {"boto3", "botocore"}
    asked_for = {file: set((file.parent / "requirements.txt").read_text().split()) for file in requiring()}
    strangers = {
        place(file): {name.partition(".")[0] for name in imported(file)}
        - allowed
        - {re.split("[<>=]", name)[0].replace("-", "_") for name in asked_for.get(file, ())}
        for file in sources("lambda")
    }
    assert {name: found for name, found in strangers.items() if found} == {}


def test_what_is_packaged_imports_only_what_is_packaged() -> None:
    """The agent runs in the function's process, where there is what Lambda's runtime has, and nothing else."""
    single = [ROOT / "harness" / name for name in AGENT_FILES]
    packaged = [*sources(*(f"harness/{folder}" for folder in AGENT_FOLDERS)), *single]
    modules = {module_of(file) for file in packaged}
    for file in packaged:
        assert set(own_modules(file)) <= modules, place(file)
        assert outer_packages(file) <= sys.stdlib_module_names | IN_THE_RUNTIME, place(file)


def test_what_is_imported_is_what_the_project_asks_for() -> None:
    """Nothing works only because somebody had installed it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[\[<>=]", each)[0] for each in project["dependencies"]}
    known = packages_distributions()
    own = {module: file for module, file in harness_modules().items() if not module.startswith(GUESTS)}
    undeclared = {
        f"{module} imports {package}"
        for module, file in own.items()
        for package in outer_packages(file) - sys.stdlib_module_names - COMES_ALONG - IN_THE_RUNTIME
        if not declared & set(known.get(package, ()))
    }
    assert undeclared == set()
