"""What may know what: each package of the harness stands on a floor, and imports go down."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from source_tree import ROOT, harness_modules, imported, module_of, outer_packages, own_modules, place, sources

from harness.pipeline.package import AGENT_FILES, AGENT_FOLDERS

# Which package stands on which floor. A package imports from lower floors, and from itself.
FLOORS = """
    __main__
    cli pytest_plugin
    matrix workflow api trying
    runner
    reference
    jobs
    scenario
    platforms
    observer
    delivery workload
    environment
    agent pipeline
    documents run_folder faults localstack checkers reports
    dynamodb operation_fields project
    schemas
    models waiting
    errors history lazy_table verdict
"""
FLOOR = {package: -row for row, line in enumerate(FLOORS.split("\n")) for package in line.split()}

# They decide and compute, and touch neither the machine, nor its clocks, nor its chance.
PURE = """
    history verdict checkers agent.requests workload.items matrix.cells reports.text
    dynamodb delivery.redelivery delivery.filters delivery.sources
    faults.actions faults.base faults.function faults.platform faults.points faults.wire
    models schemas pipeline.resources pipeline.stack
    scenario.expectation scenario.fault_entry
"""

# What runs in the process of somebody else, with that one's packages; and what comes with a package that is asked for.
GUESTS = ("pytest_plugin", "localstack.executor")
COMES_ALONG = {"botocore"}
IN_THE_RUNTIME = {"awslambdaric", "boto3", "botocore"}  # of a function in Python, at Lambda

# What nothing pure may touch: the machine, its clocks and its chance.
EFFECTFUL = {"boto3", "moto", "os", "shutil", "socket", "subprocess", "tempfile", "time", "uuid"}


def package_of(module: str) -> str:
    return module.partition(".")[0]


def test_every_package_has_a_floor() -> None:
    """A new package gets its floor here, and one that went leaves the table."""
    assert {package_of(module) for module in harness_modules() if module} == set(FLOOR)


def test_imports_go_down() -> None:
    """A package imports only from packages on lower floors."""
    upward = {
        f"{module} imports {name}"
        for module, file in harness_modules().items()
        for name in own_modules(file)
        if name and package_of(name) != package_of(module)
        if FLOOR[package_of(name)] >= FLOOR[package_of(module)]
    }
    assert upward == set()


def test_no_package_imports_in_a_circle() -> None:
    """Each package can be read from its first file to its last."""
    graph = {
        module: {name for name in own_modules(file) if package_of(name) == package_of(module)} - {module}
        for module, file in harness_modules().items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("errors.py", "from harness.runner import run", "errors imports runner"),
        ("delivery/lane.py", "from harness.delivery import dispatcher", "CycleError"),
    ],
)
def test_an_import_that_is_turned_round_is_found(tmp_path: Path, file: str, line: str, reason: str) -> None:
    """Two tests above turn red in a copy of the package in which one import goes the wrong way."""
    for folder in ("harness", "tests/unit"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    copy = tmp_path / "harness" / file
    copy.write_text(copy.read_text("utf-8") + f"\n{line}\n", "utf-8")
    tests = ["tests/unit/test_layers.py", "-k", "imports_go_down or imports_in_a_circle"]
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path / "tests" / "unit")])}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert reason in ended.stdout
    assert "1 failed, 1 passed" in ended.stdout


def test_what_decides_touches_nothing() -> None:
    """It imports no clock, no file system, no network, no process: a table of inputs is all that its tests need."""
    pure = {
        module: file
        for module, file in harness_modules().items()
        if any(module == name or module.startswith(f"{name}.") for name in PURE.split())
    }
    assert {module: effects for module, file in pure.items() if (effects := outer_packages(file) & EFFECTFUL)} == {}


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
