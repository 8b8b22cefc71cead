"""What changes in a folder is told: the first time nothing, and from then on nothing is missed."""

from __future__ import annotations

from pathlib import Path

from watchfiles import Change

from harness.workflow.stack import changes, lasting


def test_a_change_is_told_once_with_its_file(tmp_path: Path) -> None:
    """Whatever came before the folder was looked at is no change, and neither is what a run or Python leaves there."""
    inner = tmp_path / "src"
    inner.mkdir()
    (inner / "app.py").write_text("old")
    told = changes([tmp_path, inner])
    assert next(told) == []
    for name in ("runs", "__pycache__"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x")
    (inner / "app.py").write_text("new")
    assert next(told) == [inner / "app.py"]


def test_what_came_and_went_is_no_change() -> None:
    """An editor's own file is not told; one that is replaced is, once."""
    found = {
        (Change.added, "4913"),
        (Change.deleted, "4913"),
        (Change.added, "app.py"),
        (Change.modified, "app.py"),
        (Change.deleted, "old.py"),
    }
    assert lasting(found) == [Path("app.py"), Path("old.py")]
