"""The folder of a run."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.history import Operation
from harness.run_folder import HISTORY, RUN, VERDICT, RunFolder, read_history, read_run

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
        operations = [Operation(number, 0, "writer/0", "info", "note", {text: text}, text) for number in range(2)]
        for operation in operations:
            run.append(operation)
        run.close()
        assert read_history(run.path) == operations


def test_a_broken_line_in_the_middle_is_refused_with_its_number(tmp_path: Path) -> None:
    """It was not cut by a kill: somebody has written into the file."""
    run = folder(tmp_path)
    lines = [operation.to_json() for operation in OPERATIONS]
    for broken in ("not json", "{}", '{"index": 1}', "[1]"):
        (run.path / HISTORY).write_text("\n".join((lines[0], broken, lines[2])) + "\n")
        with pytest.raises(UserError, match=rf"{HISTORY}:2: not an operation"):
            read_history(run.path)


def test_a_question_is_read_back(tmp_path: Path) -> None:
    """What else is no run folder is refused by name: no folder, no file, no JSON, no question."""
    run = folder(tmp_path)
    run.write(RUN, {"scenario": "small"})
    assert read_run(run.path) == {"scenario": "small"}
    for text in ("", "{", "[]", "7"):
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
    run.write(RUN, {"scenario": "small"})

    def killed(path: Path, text: str, **more: str) -> None:
        with path.open("w") as file:
            file.write(text[: len(text) // 2])
        raise Killed

    monkeypatch.setattr(Path, "write_text", killed)
    for name in (RUN, VERDICT):
        with pytest.raises(Killed):
            run.write(name, {"scenario": "other"})
    assert read_run(run.path) == {"scenario": "small"}
    assert not (run.path / VERDICT).exists()
