"""Whose mistake it is: 254 and the line for the user's, 255 and a traceback for ours; other runs keep their results."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pipelines import write_pipeline
from play import LEDGER, document, handler_file, yaml_file

from harness.platforms.embedded.services import streams
from harness.run_folder import HISTORY

SENDS_A_MAIL = """
import boto3

def handler(event, context):
    boto3.client("ses", region_name="us-east-1").send_email(
        Source="a@b.c", Destination={"ToAddresses": ["a@b.c"]}, Message={"Subject": {"Data": "x"}, "Body": {}}
    )
"""
WRITER = """
class Own:
    OPERATION, BATCH_SIZE, LEAVES, EXPIRES = "own", 1, None, False

    def __init__(self, client, table):
        {at_start}

    def write(self, change, note):
        {on_write}
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_variant_that_cannot_be_played_leaves_the_others_their_results(
    harness: Any, tmp_path: Path, processes: int
) -> None:
    """Table and JSON have the others; this one is refused with the handler's line, and the exit code is 254."""
    handler = handler_file(tmp_path / "mail", SENDS_A_MAIL)
    handlers = [str(LEDGER / "naive.py"), str(handler), str(LEDGER / "idempotent.py")]
    file = yaml_file(tmp_path / "mail.yaml", document(matrix={"pipeline.handler": handlers}))
    said = harness("run", file, "--json", "out.json", "--processes", processes)
    assert said.code == 254
    assert [each["variant"] for each in json.loads(Path("out.json").read_text())] == ["naive", "idempotent"]
    assert "naive" in said.out
    (line,) = [line for line in said.err.splitlines() if line.startswith("refused: ")]
    assert "ses.SendEmail" in line
    assert line.endswith("(at app.py:5)")


@pytest.mark.parametrize(
    ("at_start", "on_write", "line", "message"),
    [
        ("pass", 'raise ValueError("a bug of mine")', 9, "ValueError: a bug of mine"),
        ("pass", "return [missing]", 9, "NameError"),
        ("self.x = {}['x']", "pass", 6, "KeyError: 'x'"),
    ],
)
def test_what_a_writer_of_the_user_raises_is_told_with_its_line(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_start: str, on_write: str, line: int, message: str
) -> None:
    """In making a writer and in writing; no traceback of ours."""
    (tmp_path / "own_writer.py").write_text(WRITER.format(at_start=at_start, on_write=on_write))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_writer", raising=False)
    file = yaml_file(tmp_path / "own.yaml", document(workload={"writer": "own_writer:Own"}))
    said = harness("run", file)
    assert said.code == 254, said.err
    assert f"own_writer.py:{line}: the writer raised {message}" in said.err
    assert "Traceback" not in said.err


def test_a_syntax_error_in_the_function_is_told_by_lint(harness: Any, tmp_path: Path) -> None:
    """With its file and line, also in a module that the handler imports; nothing is run."""
    handler = handler_file(tmp_path / "broken", "import other\n\ndef handler(event, context): pass\n")
    (tmp_path / "broken" / "other.py").write_text("x = 1\ndef f(\n")
    file = yaml_file(tmp_path / "broken.yaml", document(handler))
    for command in ("lint", "run"):
        said = harness(command, file)
        assert said.code == 254
        assert "other.py:2:6: SyntaxError" in said.err


def test_a_name_that_is_too_long_is_told_by_lint(harness: Any, tmp_path: Path) -> None:
    """Of whatever a run makes: LocalStack and AWS would refuse it when the stack is deployed."""
    for name, code in (("a" * 30, 0), ("a" * 64, 254)):
        file = yaml_file(tmp_path / "long.yaml", {**document(), "scenario": name})
        said = harness("lint", file)
        assert said.code == code, said.err
    assert "characters too long" in said.err
    assert "long.yaml:1:" in said.err


@pytest.mark.parametrize("where", ["nowhere/out.json", "."])
def test_a_file_for_json_that_cannot_be_written_is_told_at_once(harness: Any, scenario: Path, where: str) -> None:
    """Before anything is run."""
    said = harness("run", scenario, "--json", where)
    assert said.code == 254
    assert f"--json {where}: " in said.err
    assert said.out == ""
    assert not Path("runs").exists()


def test_a_run_whose_folder_goes_away_leaves_the_others_their_results(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told in a sentence, and the exit code is 254."""
    remove = "import pathlib, shutil; [shutil.rmtree(run) for run in pathlib.Path('runs').glob('*/*-0')]; return True"
    (tmp_path / "own_writer.py").write_text(WRITER.format(at_start="pass", on_write=remove))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_writer", raising=False)
    file = yaml_file(tmp_path / "own.yaml", document(workload={"writer": "own_writer:Own"}))
    said = harness("run", file, "--seeds", "0..1", "--processes", "1", "--json", "out.json")
    assert said.code == 254
    assert [each["seed"] for each in json.loads(Path("out.json").read_text())] == [1]
    assert "the run cannot be kept: No such file or directory" in said.err
    assert "Traceback" not in said.err


def test_what_cannot_hold_runs_is_told(harness: Any, scenario: Path) -> None:
    """A file in the place of the folder."""
    Path("file").write_text("")
    said = harness("run", scenario, "--runs", "file")
    assert said.code == 254
    assert "no run folder can be made" in said.err


def test_a_folder_without_a_history_is_told(harness: Any, scenario: Path) -> None:
    """It names the file."""
    harness("run", scenario, "--variant", "naive")
    (folder,) = Path("runs", "small").glob("2*")
    (folder / HISTORY).unlink()
    said = harness("check", folder)
    assert said.code == 254
    assert f"{HISTORY}: cannot be read" in said.err
    assert "Traceback" not in said.err


def test_a_mistake_of_ours_is_ours(harness: Any, scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in our services is not told as a limit of moto's: 255, with a traceback to report."""
    original = streams.stream_record

    def broken(*arguments: Any) -> Any:
        record = original(*arguments)
        return record and record["dynamodb"]["NoSuchKey"]

    monkeypatch.setattr(streams, "stream_record", broken)
    said = harness("run", scenario, "--variant", "naive")
    assert said.code == 255
    assert "KeyError: 'NoSuchKey'" in said.err
    assert "this is a mistake of the harness" in said.err
    assert "moto cannot" not in said.err


def test_a_damaged_history_is_unknown_and_the_other_runs_are_judged(harness: Any, scenario: Path) -> None:
    """A line in the middle is missing, or a call in it closes what was not open: no bug of ours, and no answer."""
    harness("run", scenario)
    first, second = sorted(folder for folder in Path("runs", "small").iterdir() if not folder.is_symlink())
    lines = (first / HISTORY).read_text().splitlines(keepends=True)
    invokes = [json.loads(line) for line in lines]
    opened = next(each["index"] for each in invokes if each["f"] == "dynamodb.PutItem")
    (first / HISTORY).write_text("".join(lines[:opened] + lines[opened + 1 :]))
    said = harness("check", first, second)
    assert said.code == 2
    assert f"{HISTORY}:{opened + 1}: index is {opened + 1}, but {opened} operations come before it" in said.out
    assert "valid" in said.out.splitlines()[-1]
    (first / HISTORY).write_text("".join(lines).replace('"type":"invoke"', '"type":"info"'))
    said = harness("check", first)
    assert said.code == 2
    assert "which is not open" in said.out


def problems_of(said: Any) -> list[str]:
    """The paths of what is wrong; a problem of the code has none, and tells its file."""
    assert said.code == 254, said.out + said.err
    places = [re.match(r"(\S+?):\d+:\d+: (\S+): ", line) for line in said.err.splitlines()]
    return [place[1] if place[2] == "SyntaxError" else place[2] for place in places if place]


SHARED = {"writers": 1, "share": True}
UNREPORTED = [{"partial_failure": {"nth": 1}}]
OTHERS = ["workload.share", "pipeline.sinks", "faults[0]"]


@pytest.mark.parametrize(
    ("handler", "code", "first"),
    [
        ("src/nowhere.py", "", "pipeline.handler"),
        (None, None, "Resources.Function.Properties.Handler"),
        (None, "x = (", "src/app.py"),
    ],
    ids=["named by the scenario", "of the template", "no Python"],
)
def test_code_that_cannot_be_read_hides_no_other_problem(
    harness: Any, tmp_path: Path, handler: str | None, code: str | None, first: str
) -> None:
    """All that is wrong with the scenario is told at once."""
    template = write_pipeline(tmp_path, "", {})
    app = tmp_path / "src" / "app.py"
    app.unlink()
    if code is not None:
        app.write_text(code)
    named = {"handler": handler} if handler else {}
    values = document(pipeline={"template": str(template)}, workload=SHARED, faults=UNREPORTED)
    values["pipeline"] = {"template": str(template), **named}
    told = problems_of(harness("lint", yaml_file(tmp_path / "wrong.yaml", values)))
    assert [told[0].removeprefix(f"{tmp_path}/"), *told[1:]] == [first, *OTHERS]


def test_each_variant_tells_what_is_wrong_with_it(harness: Any, tmp_path: Path) -> None:
    """Not the first alone."""
    matrix = {"pipeline.handler": [str(LEDGER / "naive.py"), "one.py", "two.py"]}
    said = harness("lint", yaml_file(tmp_path / "variants.yaml", document(matrix=matrix)))
    assert problems_of(said) == ["matrix.pipeline.handler[1]", "matrix.pipeline.handler[2]"]


def test_what_the_scenario_says_of_sinks_hides_nothing_of_the_template(harness: Any, tmp_path: Path) -> None:
    """Both are told, each in its file."""
    template = write_pipeline(tmp_path, "def handler(event, context): pass", {}, BatchSize=99_999)
    values = document()
    values["pipeline"] = {"template": str(template), "sinks": {"Nothing": {"role": "ledger"}}}
    told = problems_of(harness("lint", yaml_file(tmp_path / "sinks.yaml", values)))
    assert told == ["pipeline.sinks.Nothing", "Resources.Mapping.Properties.BatchSize"]
