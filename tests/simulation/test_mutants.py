"""Each planted bug in tests/mutants is found, by its name, and with the fewest faults that can show it."""

from __future__ import annotations

import ast
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, MUTANTS, fired, found, play, told_unless_valid
from single_faults import NTH, SINGLE_FAULTS, at

IN_WORDS = {0: "shown by no fault at all", 1: "shown by one fault", 2: "shown by two faults"}
CONFLICT = {"process": "function", "call": "effect", "code": "TransactionConflictException"}
CANCELED = {"process": "function", "call": "dynamodb.TransactWriteItems", "code": "TransactionCanceledException"}

LEFT = {"leave_unprocessed": {"process": "function", "nth": 2}}


@dataclass(frozen=True)
class Bug:
    """What a mutant does wrong, the faults that show it (as few as can), and the handler that does it right."""

    mutant: str
    right: str
    faults: tuple[dict[str, Any], ...]
    anomaly: str
    blame: str = "function"


BUGS = (
    Bug("marker_before_effect", "transactional", (at("crash before the effect", 3),), "lost"),
    Bug("effect_before_marker", "transactional", (at("crash after the effect", 3),), "duplicated"),
    Bug("item_key_dedupe", "idempotent", (), "lost"),
    Bug("swallow", "idempotent", ({"refuse": {**CONFLICT, "nth": 3}},), "lost"),
    Bug("any_cancellation", "transactional", ({"refuse": {**CANCELED, "nth": 3}},), "lost"),
    Bug("gives_up", "idempotent", ({"refuse": {**CONFLICT, "nth": 3}}, {"refuse": {**CONFLICT, "nth": 4}}), "lost"),
    Bug("forgets_unprocessed", "batched", (LEFT,), "lost"),
    Bug("string_sequence", "versioned_projection", (), "wrong_final_state"),
    Bug("counter_add", "idempotent", (at("lost reply", 3),), "duplicated"),
)
ALL = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.mutant)


def test_every_mutant_is_in_the_table() -> None:
    """No planted bug is forgotten."""
    files = {file.stem for file in MUTANTS.glob("*.py")} - {"effects"}
    assert {bug.mutant for bug in BUGS} == files


@ALL
def test_a_planted_bug_turns_the_verdict(bug: Bug, tmp_path: Path) -> None:
    """With its faults the mutant is invalid, by that anomaly and that party alone; the right handler is valid."""
    outcome = play(tmp_path, MUTANTS / f"{bug.mutant}.py", bug.faults)
    assert (outcome.verdict, found(outcome)) == ("invalid", {(bug.anomaly, bug.blame)}), outcome
    assert fired(outcome) == [1] * len(bug.faults)
    right = play(tmp_path, LEDGER / f"{bug.right}.py", bug.faults)
    assert (right.verdict, fired(right)) == ("valid", [1] * len(bug.faults)), right


@ALL
def test_the_docstring_of_a_mutant_names_the_smallest_number_of_faults(bug: Bug) -> None:
    """What the file says is what is proved here."""
    text = ast.get_docstring(ast.parse((MUTANTS / f"{bug.mutant}.py").read_text())) or ""
    assert IN_WORDS[len(bug.faults)] in text.lower()


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.faults], ids=lambda bug: bug.mutant)
def test_without_any_fault_these_bugs_stay_hidden(bug: Bug, tmp_path: Path) -> None:
    """Nothing but their faults shows them: with none, five seeds are valid."""
    for seed in range(5):
        outcome = play(tmp_path, MUTANTS / f"{bug.mutant}.py", seed=seed)
        assert outcome.verdict == "valid", outcome


@pytest.mark.parametrize("name", SINGLE_FAULTS)
@pytest.mark.parametrize("bug", [bug for bug in BUGS if len(bug.faults) > 1], ids=lambda bug: bug.mutant)
def test_no_single_fault_shows_a_bug_that_needs_two(bug: Bug, name: str, processes: Executor, tmp_path: Path) -> None:
    """Every fault of the list, at the first to the fifth point that it is aimed at: it fires, and all is valid."""
    file = MUTANTS / f"{bug.mutant}.py"
    running = [processes.submit(told_unless_valid, tmp_path, file, [at(name, nth)], nth) for nth in NTH]
    assert [future.result() for future in running] == [""] * len(NTH)
