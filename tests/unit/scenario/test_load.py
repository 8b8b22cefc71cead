"""Scenario files: where paths begin, and what overrides do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import process_time

import pytest
from scenario_texts import FULL, SHORT, folder, load_text, problems, short

from harness.errors import UserError
from harness.scenario.fields import Handler
from harness.scenario.load import load, load_values


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return folder(tmp_path)


def test_a_missing_template_is_said_at_the_pipeline(project: Path) -> None:
    """Where none is named, it is looked for beside the handler."""
    (project / "handlers" / "template.yaml").unlink()
    (problem,) = problems(project, SHORT)
    assert problem == "x.yaml:3:11: pipeline.template: no 'template.yaml' beside 'naive.py': name a template"


def test_a_handler_may_name_its_function(project: Path) -> None:
    """`path.py:function`."""
    scenario = load_text(project, short(pipeline={"handler": "handlers/naive.py:main"})).variants[0].scenario
    assert scenario.pipeline.handler == Handler(project / "handlers" / "naive.py", "main")


def test_a_path_begins_at_the_scenario_from_wherever_the_command_is_given(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own folder, or else in the nearest one around it."""
    elsewhere = project / "elsewhere" / "handlers"
    elsewhere.mkdir(parents=True)
    for name in ("naive.py", "template.yaml"):
        (elsewhere / name).touch()
    (project / "elsewhere" / "scenarios").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    pipeline = load_text(project, SHORT).variants[0].scenario.pipeline
    assert pipeline.handler.file.resolve() == project / "handlers" / "naive.py"
    pipeline = load_text(project / "elsewhere", SHORT).variants[0].scenario.pipeline
    assert pipeline.handler.file == Path("handlers/naive.py")


@pytest.mark.parametrize("path", ["lea/" * 5_000, f"handlers/{'stream' * 5_000}"])
def test_a_path_without_end_is_refused_at_once(project: Path, path: str) -> None:
    """Looking for the nearest name takes no longer for it."""
    began = process_time()
    with pytest.raises(UserError, match=r"no file '(lea/lea|handlers/stream)"):
        load_text(project, short(pipeline={"handler": path}))
    assert process_time() - began < 1


def test_values_need_no_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario may be given as values; its problems have paths."""
    monkeypatch.chdir(project)
    values = {
        "scenario": "values",
        "question": "Does it need a file?",
        "pipeline": {"handler": "handlers/naive.py"},
        "workload": {"writer": "put", "intents": 3},
        "expect": "valid",
    }
    assert load_values(values).variants[0].scenario.workload.intents == 3
    with pytest.raises(UserError, match=r"^workload\.writer: 'putt' is not a writer"):
        load_values(values | {"workload": {"writer": "putt", "intents": 3}})


def test_a_file_that_is_not_there_names_the_nearest(project: Path) -> None:
    """The file of the scenario itself."""
    load_text(project, SHORT)
    with pytest.raises(UserError, match=r"no 'y.yaml' in '.*scenarios'. Did you mean 'x.yaml'"):
        load(project / "scenarios" / "y.yaml")


def test_overrides_are_read_before_the_scenario_is_checked(project: Path) -> None:
    """`--set` gives a value in YAML, also for what the file lacks."""
    text = short(workload={"writer": "putt"})
    loaded = load_text(project, text, workload__writer="put", seeds="[1, 2]", pipeline__mapping__batch_size="7")
    scenario = loaded.variants[0].scenario
    assert (scenario.workload.writer, scenario.seeds, scenario.pipeline.mapping.batch_size) == ("put", (1, 2), 7)


@pytest.mark.parametrize(
    "path, value, sentence",
    [
        (
            "workload__wrter",
            "put",
            "--set workload.wrter=put: 'wrter' is not a key of workload. Did you mean 'writer'?",
        ),
        ("workload__intents", "x", "--set workload.intents=x: workload.intents: got 'x'; expected a whole number"),
        ("wrkload", "x", "--set wrkload=x: 'wrkload' is not a key to begin with. Did you mean 'workload'?"),
        ("seeds", "[", "--set seeds=[:1:2: is not YAML"),
        ("pipeline__shards__x", "1", "--set pipeline.shards.x=1: 'pipeline.shards.x' leads to nothing"),
        ("workload__writer", "put", "--set workload.writer=put: the matrix sets workload.writer"),
    ],
)
def test_a_problem_with_an_override_names_it(project: Path, path: str, value: str, sentence: str) -> None:
    """It has no line, but the option itself."""
    (problem,) = problems(project, FULL, **{path: value})
    assert problem.startswith(sentence)


def test_reading_a_scenario_loads_neither_boto3_nor_moto() -> None:
    """The model imports in a moment; the AWS SDK comes with the workloads."""
    code = "import sys, harness.scenario.model\n"
    code += "print([name for name in ('boto3', 'botocore', 'moto') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
