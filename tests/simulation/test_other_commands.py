"""The commands that run nothing: check, lint, list and schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from play import ROOT, document, yaml_file


def test_check_judges_a_stored_run_again(harness: Any, crashing: Path) -> None:
    """From its history alone: the same verdict, counts, anomalies and exit code."""
    (ran,) = harness("run", crashing, "--variant", "naive", "--json", "-").json
    said = harness("check", ran["run_folder"], "--json", "-")
    assert said.code == 1
    assert said.json == [ran]
    assert harness("check", Path("runs/small/latest")).code == 1
    kept = json.loads((Path(ran["run_folder"]) / "verdict.json").read_text())
    assert kept == ran


def test_check_refuses_what_is_no_run(harness: Any, tmp_path: Path) -> None:
    """254, the name, and what is expected in its place, in a sentence."""
    (tmp_path / "file").touch()
    for path, is_so in {
        ".": "has no run.json. There is none in it",
        "file": "is a file",
        "no": "does not exist",
    }.items():
        said = harness("check", tmp_path / path)
        assert said.code == 254
        sentence = (
            f"{tmp_path / path} is not a run folder: it {is_so}. Expected is the folder of a run, as `run` leaves it"
        )
        assert said.err.startswith(sentence)


def test_check_names_the_run_folders_in_a_folder(harness: Any, scenario: Path) -> None:
    """The folder that holds all runs, or those of one scenario, is easily named in place of a run's."""
    kept = harness("run", scenario, "--variant", "naive", "--json", "-").json[0]["run_folder"]
    for folder in (Path(kept).parent, Path(kept).parent.parent):
        said = harness("check", folder)
        assert said.code == 254
        assert f"Run folders in it: {kept}" in said.err


def test_a_template_in_place_of_a_scenario_is_told(harness: Any, tmp_path: Path) -> None:
    """As with `harness run shop/*.yaml`: one sentence instead of one for each of its tags."""
    template = tmp_path / "template.yaml"
    template.write_text("Resources:\n  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref Name}}\n")
    said = harness("lint", template)
    assert said.code == 254
    assert len(said.err.splitlines()) == 1
    assert "is a CloudFormation template, and no scenario" in said.err


def test_lint_says_everything_and_runs_nothing(harness: Any, scenario: Path, tmp_path: Path) -> None:
    """0 when there is nothing to say, else 254; no run folder either way."""
    said = harness("lint", scenario)
    assert (said.code, "no problems" in said.out) == (0, True)
    wrong = yaml_file(tmp_path / "wrong.yaml", document(workload={"writer": "putt", "intents": 0}, expect="vald"))
    said = harness("lint", scenario, wrong)
    assert said.code == 254
    assert len([line for line in said.err.splitlines() if line.startswith(f"{wrong}:")]) == 3
    assert not Path("runs").exists()


def test_list_names_scenarios_with_questions_and_variants(harness: Any, scenario: Path) -> None:
    """What there is to run."""
    said = harness("list", scenario)
    assert (said.code, said.out) == (0, "small: Does it?\n    naive, idempotent\n")


def test_list_escapes_what_a_terminal_obeys(harness: Any, tmp_path: Path) -> None:
    """A question's and a variant's control characters do not reach the terminal, and begin no line."""
    forged = document(question="Does\x1b]0;title\x07 it?\nINVALID", matrix={"workload.intents": {"a\nb\x1b[31m": 20}})
    said = harness("list", yaml_file(tmp_path / "forged.yaml", forged))
    assert said.out == "small: Does\\x1b]0;title\\x07 it?\\nINVALID\n    a\\nb\\x1b[31m\n"


def test_list_says_so_where_there_is_nothing(harness: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without scenarios/ is not answered with silence."""
    monkeypatch.chdir(tmp_path)
    said = harness("list")
    assert (said.code, said.out, said.err) == (0, "", "no scenario is in scenarios/: name its file\n")


def test_list_without_files_lists_the_folder(harness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenarios in scenarios/."""
    monkeypatch.chdir(ROOT)
    said = harness("list")
    assert said.code == 0
    assert all(f"{name}: " in said.out for name in ("baseline", "crash", "duplicate-put", "retry", "timeout"))


def test_schema_is_a_json_schema(harness: Any) -> None:
    """Printed alone, to be put into a file."""
    said = harness("schema")
    assert said.code == 0
    assert {"scenario", "pipeline", "workload", "faults", "matrix", "expect"} <= set(said.json["properties"])


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("schema",), ("lint", "scenarios/crash.yaml")])
def test_what_runs_nothing_does_not_wait_for_boto3(arguments: tuple[str, ...]) -> None:
    """Help, schema and lint import neither boto3 nor botocore nor moto."""
    program = (
        "import sys\nfrom harness.cli import main\n"
        f"try: main({list(arguments)!r})\n"
        "except SystemExit: pass\n"
        "assert not {'boto3', 'botocore', 'moto'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_module_is_the_command() -> None:
    """`python -m harness` without arguments shows what there is."""
    done = subprocess.run([sys.executable, "-m", "harness", "-h"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert all(f"  {command} " in done.stdout for command in ("run", "check", "lint", "list", "schema"))
