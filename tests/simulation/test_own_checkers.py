"""Checkers of the user's own: a run asks them, its folder names them, and `check` asks them again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from play import document, yaml_file

MODULE = """\
from harness.checkers.base import Cause, Checker


class Touched(Checker):
    \"\"\"An intent was handled at all.\"\"\"

    def check(self, index):
        return self.finding(
            self.anomaly(intent, f"{intent} was handled", Cause("function", "it is what it does"), trace.executions)
            for intent, trace in index.traces.items()
            if trace.executions
        )


class Broken(Checker):
    def check(self, index):
        raise RuntimeError("no")
"""
TOUCHED = "my_checkers:Touched"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`own(checker, expect)` is a scenario with a checker of a module that can be imported."""
    (tmp_path / "my_checkers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_checkers", raising=False)
    return lambda word, expect: yaml_file(tmp_path / "own.yaml", document(checkers=[word], expect=expect))


def test_a_run_is_judged_by_the_users_own_checkers_too(harness: Any, own: Any) -> None:
    """Their anomalies are in the finding, in the table and in the JSON under their word, and can be expected."""
    said = harness("run", own(TOUCHED, {"invalid": {TOUCHED: 10, "blame": "function"}}), "--json", "results.json")
    assert said.code == 0
    assert f"  {TOUCHED}: it is what it does\n      blame: function\n" in said.out
    assert "      todo-0/1 was handled (and 9 more: " in said.out
    assert f"10 {TOUCHED}" in said.out.splitlines()[-1]
    assert f'"{TOUCHED}": 10' in Path("results.json").read_text()
    assert harness("run", own(TOUCHED, {"invalid": {TOUCHED: "> 10"}})).code == 1


def test_check_asks_them_again_or_says_why_it_cannot(harness: Any, own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the run names them; without the module nothing is judged."""
    harness("run", own(TOUCHED, {"invalid": {TOUCHED: 10}}))
    assert f"10 {TOUCHED}" in harness("check", "runs/small/latest").out
    monkeypatch.delitem(sys.modules, "my_checkers")
    Path("my_checkers.py").unlink()
    said = harness("check", "runs/small/latest")
    assert said.code == 254
    assert f"runs/small/latest: '{TOUCHED}' is not a checker: module 'my_checkers' cannot be imported" in said.err


def test_a_checker_of_the_users_own_that_raises_leaves_the_verdict_unknown(harness: Any, own: Any) -> None:
    """Although everything else is valid."""
    said = harness("run", own("my_checkers:Broken", "valid"))
    assert said.code == 2
    assert "unknown: checker my_checkers:Broken raised RuntimeError: no" in said.out


def test_lint_names_a_checker_that_is_none(harness: Any, own: Any) -> None:
    """With the line, and the nearest name in the module."""
    said = harness("lint", own("my_checkers:Tuched", "valid"))
    assert said.code == 254
    assert "checkers[0]: 'my_checkers:Tuched' is not a checker: 'my_checkers' has no 'Tuched'. Did you mean" in said.err
