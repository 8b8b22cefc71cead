"""Whatever a handler raises or returns is an error of the function, like any other: a finding, and no bug of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, document, handler_file, yaml_file

from harness.run_folder import read_history

# Each applies its effects first, so that the second delivery duplicates them.
HANDLER = """
import asyncio, uuid
from effects import append, changes

class NoText(Exception):
    def __str__(self):
        raise ValueError("no")

class Bare(BaseException):
    pass

class Bad(dict):
    def items(self):
        raise LookupError("bad")

def looped():
    loop = []
    loop.append(loop)
    return loop

def deep():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    return nested

def handler(event, context):
    for record in changes(event):
        append(record, effect=str(uuid.uuid4()))
    {body}
"""
RAISES = {
    "asyncio.CancelledError()": "crashed: exit status 1: CancelledError",
    "Bare('own')": "crashed: exit status 1: Bare: own",
    "KeyboardInterrupt()": "crashed: exit status 1: KeyboardInterrupt",
    "GeneratorExit()": "crashed: exit status 1: GeneratorExit",
    "SystemExit(3)": "crashed: exit status 3",
    "SystemExit('why')": "crashed: exit status 1",
    "SystemExit(NoText())": "crashed: exit status 1",
    "SystemExit()": "crashed: exit status 0",
    "Exception('\\ud800')": "Exception: \ud800",
    "Exception('\\x1b[31mred\\x1b]0;title\\x07\\r\\nline')": "Exception: \x1b[31mred",
    "NoText()": "NoText: (its text raises ValueError)",
    "Exception('x' * 10_000_000)": "Exception: " + "x" * 10_000 + "…",
    "RecursionError()": "RecursionError: ",
    "MemoryError()": "MemoryError: ",
    "StopIteration(1)": "StopIteration: 1",
}


def play(harness: Any, folder: Path, body: str) -> tuple[Any, Any]:
    (folder / "handler").mkdir()
    shutil.copy(LEDGER / "effects.py", folder / "handler")
    handler = handler_file(folder / "handler", HANDLER.replace("{body}", body))
    mapping = {"maximum_retry_attempts": 1, "batch_size": 5, "report_batch_item_failures": True}
    values = document(handler, workload={"intents": 3, "items": 3, "writers": 1})
    values["pipeline"]["mapping"] = mapping
    said = harness("run", yaml_file(folder / "raises.yaml", values), "--json", "out.json")
    assert "Traceback" not in said.err, said.err
    assert not any(letter in said.out for letter in "\x1b\x07\r\ud800")
    (result,) = json.loads(Path("out.json").read_text())
    return said, result


@pytest.mark.parametrize("raised", RAISES)
def test_whatever_is_raised_is_an_error_of_the_function(harness: Any, tmp_path: Path, raised: str) -> None:
    """Each change is applied twice, and the execution's end names the error as it is."""
    said, result = play(harness, tmp_path, f"raise {raised}")
    assert said.code == 1
    assert result["verdict"] == "invalid"
    assert {anomaly["blame"] for anomaly in result["anomalies"]} == {"function"}
    history = read_history(Path(result["run_folder"]))
    errors = {operation.error for operation in history if operation.f == "execute" and operation.type != "invoke"}
    assert all((error or "").startswith(RAISES[raised].split("\ud800")[0]) for error in errors)
    assert harness("check", result["run_folder"]).code == 1


@pytest.mark.parametrize(
    "imported, ended",
    [
        ("import sys; sys.exit(3)", "crashed: exit status 3"),
        ("import os; os._exit(4)", "crashed: exit status 4"),
        ("raise KeyboardInterrupt()", "crashed: exit status 1: KeyboardInterrupt:  at app.py:1"),
        ("raise LookupError()", "LookupError:  at app.py:1"),
    ],
)
def test_a_handler_that_ends_its_process_while_it_is_imported_has_failed(
    harness: Any, tmp_path: Path, imported: str, ended: str
) -> None:
    """Each execution has a beginning and an end, and the mapping gives up on the batch."""
    handler = handler_file(tmp_path / "handler", f"{imported}\ndef handler(event, context): pass\n")
    workload = {"intents": 3, "items": 3, "writers": 1}
    values = document(handler, workload=workload, mapping={"maximum_retry_attempts": 1, "batch_size": 5})
    said = harness("run", yaml_file(tmp_path / "imported.yaml", values))
    assert said.code == 1, said.out
    assert "blame: function" in said.out
    history = read_history(Path("runs/small/latest"))
    ends = [operation for operation in history if operation.f == "execute"]
    assert [operation.type for operation in ends[::2]] == ["invoke", "invoke"]
    assert {operation.error for operation in ends[1::2]} == {ended}


@pytest.mark.parametrize(
    "returned",
    [
        *("object()", "b'bytes'", "{1: {2}}", "looped()", "deep()", "Bad(a=1)", "'x' * 7_000_000", "float('nan')"),
        *("{'batchItemFailures': 5}", "{'batchItemFailures': [5]}", "{'batchItemFailures': {'a': 1}}"),
        *(
            "{'batchItemFailures': [{'itemIdentifier': object()}]}",
            "{'batchItemFailures': [{'itemIdentifier': 1e400}]}",
        ),
        "{'batchItemFailures': [{'itemIdentifier': '\\ud800'}]}",
    ],
)
def test_whatever_is_returned_is_a_result_of_the_function(harness: Any, tmp_path: Path, returned: str) -> None:
    """It is recorded, and judged again alike; what cannot be read as an answer fails the batch or is none."""
    said, result = play(harness, tmp_path, f"return {returned}")
    assert said.code in (0, 1)
    checked = harness("check", result["run_folder"], "--json", "-")
    (again,) = checked.json
    assert (checked.code, again["verdict"]) == (said.code, result["verdict"])
