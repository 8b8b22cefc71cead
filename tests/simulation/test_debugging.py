"""A function's process can be looked into: its lines are counted, and a debugger stops in it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from play import document, handler_file, yaml_file

HANDLER = """
import os
import boto3

table = boto3.resource("dynamodb").Table(os.environ["EFFECTS_TABLE"])

def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        intent = image["intent"]["S"]
        {line}
        if intent == "never":
            print("missed")
        table.put_item(Item={{"effect": intent, "intent": intent, "item": image["id"]["S"]}})
"""
FEW = {"intents": 1, "items": 1, "writers": 1}


def command(folder: Path, line: str = "pass") -> tuple[list[str], Path]:
    """`harness run` of a scenario with this line in its handler, and the handler's file."""
    handler = handler_file(folder / "code", HANDLER.format(line=line))
    scenario = yaml_file(folder / "debugged.yaml", document(handler, workload=FEW))
    arguments = ["run", str(scenario), "--platform", "embedded", "--runs", str(folder / "runs")]
    return ["-m", "harness", *arguments], handler


@pytest.mark.parametrize("options", [[], ["--branch"]])
def test_coverage_counts_the_handlers_lines(options: list[str], tmp_path: Path) -> None:
    """As for code in the same process, although each environment is another one: what never ran is missing."""
    arguments, handler = command(tmp_path)
    data = ["--data-file", str(tmp_path / "data")]
    run = [sys.executable, "-m", "coverage", "run", *data, *options, "--source", str(handler.parent), *arguments]
    assert subprocess.run(run, capture_output=True, timeout=120).returncode == 0
    report = [sys.executable, "-m", "coverage", "json", *data, "-o", str(tmp_path / "report.json")]
    subprocess.run(report, check=True, capture_output=True, timeout=60)
    (counted,) = json.loads((tmp_path / "report.json").read_text())["files"].values()
    assert counted["missing_lines"] == [13]


def test_logs_shows_what_the_function_prints(tmp_path: Path) -> None:
    """On standard error, with the run's time and the execution, and what a terminal obeys as escapes."""
    arguments, _ = command(tmp_path, "print('seen', chr(27))")
    run = [sys.executable, *arguments]
    quiet, shown = (subprocess.run([*run, *more], capture_output=True, timeout=60) for more in ([], ["--logs"]))
    assert b"seen" not in quiet.stderr + quiet.stdout
    assert re.search(rb"(?m)^0\.\d{6} function/1  seen \\x1b$", shown.stderr)
    assert b"seen" not in shown.stdout


def test_a_breakpoint_stops_on_the_terminal(tmp_path: Path) -> None:
    """`breakpoint()` in a handler opens Python's debugger at its line, and the run ends as it would without."""
    arguments, _ = command(tmp_path, "breakpoint()")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, *arguments])
    shown, said = "", False
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown += os.read(terminal, 1 << 16).decode("utf-8", "replace")
        except OSError:  # the command has ended
            break
        if not said and "(Pdb)" in shown:
            said = True
            os.write(terminal, b"p 'the intent is ' + intent\nc\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert "app.py(" in shown
    assert "the intent is todo-0/1" in shown
