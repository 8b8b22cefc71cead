"""The folder of a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.history import Operation
from harness.run_folder import (
    HISTORY,
    RUN,
    VERDICT,
    DamagedHistory,
    RunFolder,
    StoredHistory,
    read_history,
    read_run,
)

OPERATIONS = [Operation(number, number, "writer/0", "info", "note", {"text": "ü\n"}) for number in range(3)]


def folder(root: Path, variant: str = "put/naive", seed: int = 7) -> RunFolder:
    return RunFolder(root, "small", variant, seed)


def test_every_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Also when many begin in the same second; `latest` is the newest."""
    paths = [folder(tmp_path).path for _ in range(5)]
    assert len(set(paths)) == 5
    assert all("put+naive-7" in path.name and path.parent == tmp_path / "small" for path in paths)
    assert (tmp_path / "small" / "latest").resolve() == paths[-1].resolve()
    assert not Path(os.readlink(tmp_path / "small" / "latest")).is_absolute()
    assert not list((tmp_path / "small").glob(".latest*"))


def test_the_history_is_there_while_it_is_written(tmp_path: Path) -> None:
    """Each operation is in the file before the next one: nothing waits in memory for a run that may be killed."""
    run = folder(tmp_path)
    for count, operation in enumerate(OPERATIONS, 1):
        run.append(operation)
        assert read_history(run.path) == OPERATIONS[:count]
    run.close()


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    """The last one, that is: wherever it was cut, those before it are kept."""
    run = folder(tmp_path)
    for operation in OPERATIONS:
        run.append(operation)
    run.close()
    content = (run.path / HISTORY).read_bytes()
    last = content[:-1].rindex(b"\n") + 1
    for end in range(last, len(content) - 1):
        (run.path / HISTORY).write_bytes(content[:end])
        assert read_history(run.path) == OPERATIONS[:2]


@given(st.text(st.characters(), min_size=1))
@example("\u2028\u0085\x0b\x1c")
@example("\ud800")
def test_any_text_comes_back(text: str) -> None:
    """Line separators and halves of pairs, which a writer may put into an item, included."""
    with tempfile.TemporaryDirectory() as root:
        run = folder(Path(root))
        value = {"own": {text: text}}
        operations = [Operation(number, 0, "writer/0", "info", "note", value, text) for number in range(2)]
        for operation in operations:
            run.append(operation)
        run.close()
        assert read_history(run.path) == operations


def test_what_operations_repeat_is_in_memory_once(tmp_path: Path) -> None:
    """The value that a close repeats, names, and intents: a long history fits."""
    run = folder(tmp_path)
    for number, (type, intent) in enumerate(product(("invoke", "ok"), ("todo-1/1", "todo-2/1"))):
        value = {"call": 1, "attempt": 1, "table": "", "items": [], "intents": [intent], "effect": False}
        run.append(Operation(number, 0, f"function/{intent[5]}", type, "dynamodb.PutItem", value))
    row = {"shard": "s", "sequence_number": "1", "event_id": "e", "event_name": "INSERT", "item": "dynamodb.PutItem"}
    run.append(Operation(4, 0, "observer", "ok", "record", {**row, "intent": "todo-1/1"}))
    landed = {"sink": "S", "count": 1, "intent": "todo-1/1", "item": None}
    run.append(Operation(5, 0, "observer", "ok", "effect", landed))
    run.close()
    one, two, one_closed, two_closed, record, effect = read_history(run.path)
    assert (one.value, two.value) == ({**two.value, "intents": ["todo-1/1"]}, {**one.value, "intents": ["todo-2/1"]})
    assert one.value is one_closed.value
    assert two.value is two_closed.value
    assert one.f is two.f is record.value["item"]
    assert one.process is one_closed.process
    assert record.value["intent"] is effect.value["intent"]


def test_of_a_judged_history_single_operations_can_be_read(tmp_path: Path) -> None:
    """Those that a finding quotes, without reading the others."""
    run = folder(tmp_path)
    for operation in OPERATIONS:
        run.append(operation)
    run.close()
    stored = StoredHistory(run.path)
    assert (len(stored), list(stored)) == (3, OPERATIONS)
    with (run.path / HISTORY).open("r+b") as file:
        file.write(b"?")  # in the first line
    assert StoredHistory(run.path)[2] == OPERATIONS[2]
    with pytest.raises(IndexError):
        stored[3]
    with pytest.raises(UserError, match="No such file"):
        StoredHistory(tmp_path)


def test_a_broken_line_in_the_middle_is_refused_with_its_number(tmp_path: Path) -> None:
    """It was not cut by a kill: somebody has written into the file."""
    run = folder(tmp_path)
    lines = [operation.to_json() for operation in OPERATIONS]
    for broken in ("not json", "{}", '{"index": 1}', "[1]"):
        (run.path / HISTORY).write_text("\n".join((lines[0], broken, lines[2])) + "\n")
        with pytest.raises(UserError, match=rf"{HISTORY}:2: not an operation"):
            read_history(run.path)


CALL = {"call": 1, "attempt": 1, "table": "Todos", "items": ["todo-0"], "intents": ["todo-0/1"], "effect": False}
RECORD = {"shard": "0", "sequence_number": "1", "event_id": "1", "event_name": "INSERT", "item": "a", "intent": "a/1"}


@pytest.mark.parametrize(
    "process, f, value, field",
    [
        ("writer/0", "dynamodb.PutItem", {**CALL, "intents": "todo-0/1"}, "intents"),
        ("writer/0", "dynamodb.PutItem", {**CALL, "items": [[]]}, "items"),
        ("function/0", "dynamodb.PutItem", {**CALL, "effect": 1}, "effect"),
        ("function/0", "dynamodb.PutItem", {k: v for k, v in CALL.items() if k != "table"}, "table"),
        ("nemesis", "crash", {"point": "call"}, "fault"),
        ("observer", "record", {**RECORD, "sequence_number": "one"}, "sequence_number"),
        ("observer", "effect", {"sink": "Effects", "intent": "a/1", "item": "a", "count": "1"}, "count"),
        ("harness", "phase", {"phase": "heal", "matched": [True]}, "matched"),
        ("harness", "phase", {"phase": "deploy", "sinks": []}, "sinks"),
        ("dispatcher/0", "filter", {"shard": "0", "sequence_numbers": ["1", ""], "intents": []}, "sequence_numbers"),
        ("writer/0", "put", {"intent": 1, "item": "a"}, "intent"),
    ],
)
def test_a_field_of_another_type_is_refused_with_its_line(
    tmp_path: Path, process: str, f: str, value: dict[str, Any], field: str
) -> None:
    """And so is one that is missing: no checker meets either. The message says what is valid."""
    run = folder(tmp_path)
    run.append(OPERATIONS[0])
    run.append(Operation(1, 0, process, "invoke", f, value))
    run.append(OPERATIONS[2])
    wrong = rf"value\.{field}(\[\d\])?: Expected `|value: Object missing required field `{field}`"
    with pytest.raises(DamagedHistory, match=rf"{HISTORY}:2: not an operation \(({wrong})"):
        read_history(run.path)


@pytest.mark.parametrize("field, value", [("index", "1"), ("time", 1.5), ("process", None), ("f", []), ("error", 1)])
def test_each_of_the_seven_fields_has_its_type(tmp_path: Path, field: str, value: Any) -> None:
    """Which the message names."""
    run = folder(tmp_path)
    run.append(OPERATIONS[0])
    run.append(replace(OPERATIONS[1], **{field: value}))
    run.append(OPERATIONS[2])
    with pytest.raises(DamagedHistory, match=rf"{HISTORY}:2: not an operation \({field}: Expected `"):
        read_history(run.path)


@pytest.mark.parametrize("numbers", [[0, 2], [0, 1, 1, 2], [1, 2], [0, 2, 1]])
def test_a_line_that_is_missing_or_comes_twice_or_too_early_is_damage(tmp_path: Path, numbers: list[int]) -> None:
    """The first line that does not follow the one before is named."""
    run = folder(tmp_path)
    for number in numbers:
        run.append(OPERATIONS[number])
    wrong = next(line for line, number in enumerate(numbers) if line != number)
    with pytest.raises(DamagedHistory, match=rf"{HISTORY}:{wrong + 1}: index is {numbers[wrong]}, but {wrong} op"):
        read_history(run.path)


QUESTION = {
    **{"scenario": "small", "question": "Is it?", "variant": "put", "platform": "embedded", "again": ""},
    **{"seed": 0, "expect": "valid"},
}


@pytest.mark.parametrize("wrong", [[1], 0.5])
@pytest.mark.parametrize("field", [*QUESTION, "difference", "checkers", "folder"])
def test_a_question_has_typed_fields(tmp_path: Path, field: str, wrong: object) -> None:
    """Whatever has another type, or is missing, is refused by name."""
    run = folder(tmp_path)
    run.write(RUN, QUESTION | {field: wrong})
    with pytest.raises(UserError, match=rf"{RUN}: {field} is {re.escape(str(wrong))}"):
        read_run(run.path)
    if field in QUESTION:
        run.write(RUN, {name: value for name, value in QUESTION.items() if name != field})
        with pytest.raises(UserError, match=rf"{RUN}: {field} is missing"):
            read_run(run.path)


def test_a_question_is_read_back(tmp_path: Path) -> None:
    """What else is no run folder is refused by name: no folder, no file, no JSON, no question."""
    run = folder(tmp_path)
    run.write(RUN, QUESTION)
    assert read_run(run.path) == QUESTION
    for text in ("", "{", "[]", "7", "[" * 100_000):
        (run.path / RUN).write_text(text)
        with pytest.raises(UserError, match="is not a run folder"):
            read_run(run.path)
    with pytest.raises(UserError, match="is not a run folder"):
        read_run(tmp_path / "nowhere")


def test_what_is_written_is_json_or_text(tmp_path: Path) -> None:
    """Readable by people: indented, and letters as they are."""
    run = folder(tmp_path)
    run.write("a.json", {"letter": "ü"})
    run.write("b.txt", "as it is")
    assert json.loads((run.path / "a.json").read_text("utf-8")) == {"letter": "ü"}
    assert "ü" in (run.path / "a.json").read_text("utf-8")
    assert (run.path / "b.txt").read_text() == "as it is\n"


class Killed(BaseException):
    """Stands for SIGKILL: no code of the process runs after it."""


def test_a_run_that_is_killed_while_its_history_is_merged_keeps_it(tmp_path: Path) -> None:
    """Wherever in the merge it is killed: all lines are there, in the old order."""

    class Kills(Operation):
        def to_json(self) -> str:
            raise Killed

    for number in range(len(OPERATIONS) + 1):
        run = folder(tmp_path)
        for operation in OPERATIONS:
            run.append(operation)
        merged = [*OPERATIONS[:number], Kills(number, 0, "function/1", "info", "execute"), *OPERATIONS[number:]]
        with pytest.raises(Killed):
            run.rewrite(merged)
        assert read_history(run.path) == OPERATIONS
        run.close()


def test_operations_after_a_merge_follow_it(tmp_path: Path) -> None:
    """The merged history, and at once what is appended to it; no draft is left."""
    run = folder(tmp_path)
    run.append(OPERATIONS[0])
    run.rewrite(OPERATIONS[:2])
    run.append(OPERATIONS[2])
    assert read_history(run.path) == OPERATIONS
    assert {file.name for file in run.path.iterdir()} == {HISTORY}
    run.close()


def test_a_question_or_a_verdict_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed while it writes one leaves the file as it was."""
    run = folder(tmp_path)
    run.write(RUN, QUESTION)

    def killed(path: Path, text: str, **more: str) -> None:
        with path.open("w") as file:
            file.write(text[: len(text) // 2])
        raise Killed

    monkeypatch.setattr(Path, "write_text", killed)
    for name in (RUN, VERDICT):
        with pytest.raises(Killed):
            run.write(name, {"scenario": "other"})
    assert read_run(run.path) == QUESTION
    assert not (run.path / VERDICT).exists()


def test_a_run_whose_folder_went_away_goes_on_and_says_so(tmp_path: Path) -> None:
    """Whatever is written then: its end is the time to say that it cannot be kept, after it has cleaned up."""
    run = folder(tmp_path)
    run.check()
    shutil.rmtree(run.path)
    run.log("a line\n")
    run.append(OPERATIONS[0])
    run.rewrite(OPERATIONS)
    run.write(VERDICT, {})
    run.close()
    with pytest.raises(UserError, match="the run cannot be kept: No such file or directory"):
        run.check()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_ends_no_process_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where an operation is appended, nor where the history is closed, which tries once more to write."""
    monkeypatch.setattr("harness.run_folder.HISTORY", "/dev/full")
    run = folder(tmp_path)
    for operation in OPERATIONS:
        run.append(operation)
    run.close()
    with pytest.raises(UserError, match="the run cannot be kept: No space left on device"):
        run.check()
