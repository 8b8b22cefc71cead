"""Each handler of lambda/ that is not exactly-once: the fault that shows it, and a handler that survives the same."""

from __future__ import annotations

import ast
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, fired, found, operations, play, told_unless_valid
from single_faults import at

from harness.history import INVOKE, OK


@dataclass(frozen=True)
class Window:
    """When a pattern is not exactly-once: the fault that opens the window, and what is found then."""

    handler: str
    right: str
    faults: tuple[dict[str, Any], ...]
    anomaly: str
    blame: str = "function"
    workload: dict[str, Any] = field(default_factory=dict)


CONCURRENT = {"redeliver": {"concurrently": True, "nth": 2}}
MINUTES_LATER = {"redeliver": {"seconds": 120, "nth": 2}}
LATE = {"redeliver": {"seconds": 5, "intent": "todo-0/1", "nth": 1}}
ONE_ITEM = {"intents": 4, "items": 1, "writers": 1}

WINDOWS = (
    Window("naive", "transactional", (at("redelivery at once", 3),), "duplicated"),
    Window("marker_first", "transactional", (at("crash before the effect", 3),), "lost"),
    Window("marker_first", "transactional", (at("put twice, changed", 3),), "duplicated", "writer"),
    Window("effect_first", "transactional", (at("crash after the effect", 3),), "duplicated"),
    Window("effect_first", "transactional", (CONCURRENT,), "duplicated"),
    Window("check_then_act", "transactional", (CONCURRENT,), "duplicated"),
    Window("in_memory", "idempotent", (at("crash after the effect", 3),), "duplicated"),
    Window("event_id", "idempotent", (at("put twice, changed", 3),), "duplicated", "writer"),
    Window("sequence_number", "transactional", (at("put twice, changed", 3),), "duplicated", "writer"),
    Window("expiring_marker", "transactional", (MINUTES_LATER,), "duplicated"),
    Window("projection", "versioned_projection", (LATE,), "wrong_final_state", workload=ONE_ITEM),
)
ALL = pytest.mark.parametrize("window", WINDOWS, ids=lambda window: f"{window.handler}: {window.anomaly}")


@ALL
def test_a_fault_shows_what_the_pattern_does_not_promise(window: Window, tmp_path: Path) -> None:
    """Invalid by that anomaly and that party alone; the right handler is valid under the very same fault."""
    more = {"workload": window.workload, "mapping": {"batch_size": 1} if window.workload else None}
    outcome = play(tmp_path, LEDGER / f"{window.handler}.py", window.faults, **more)
    assert (outcome.verdict, found(outcome)) == ("invalid", {(window.anomaly, window.blame)}), outcome
    assert fired(outcome) == [1] * len(window.faults)
    right = play(tmp_path, LEDGER / f"{window.right}.py", window.faults, **more)
    assert (right.verdict, fired(right)) == ("valid", [1] * len(window.faults)), right


@pytest.mark.parametrize("handler", sorted({window.handler for window in WINDOWS}))
def test_without_any_fault_the_pattern_holds(handler: str, processes: Executor, tmp_path: Path) -> None:
    """Nothing but the faults shows it: with none, five seeds are valid."""
    file = LEDGER / f"{handler}.py"
    running = [processes.submit(told_unless_valid, tmp_path, file, [], seed) for seed in range(5)]
    assert [future.result() for future in running] == [""] * 5


@ALL
def test_the_docstring_admits_it(window: Window) -> None:
    """A handler with a window says that it is not exactly-once there, or that it is so only while something holds."""
    text = " ".join((ast.get_docstring(ast.parse((LEDGER / f"{window.handler}.py").read_text())) or "").split())
    assert any(words in text for words in ("Not exactly-once", "Never exactly-once", "Exactly-once only"))


def test_a_marker_that_lives_long_enough_holds(tmp_path: Path) -> None:
    """The same late redelivery finds it, when it is good for longer than that."""
    pipeline = {"function": {"environment": {"MARKER_SECONDS": 3600}}}
    outcome = play(tmp_path, LEDGER / "expiring_marker.py", [MINUTES_LATER], pipeline=pipeline)
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome


def test_an_outbox_sends_what_was_decided_first(tmp_path: Path) -> None:
    """The delivery that died after sending, and the one that came again, have put the effect under one name."""
    outcome = play(tmp_path, LEDGER / "outbox.py", [at("crash after the effect", 3)])
    puts = [op for op in operations(outcome, "dynamodb.PutItem", INVOKE) if op.value["effect"]]
    assert len(puts) == len({op.value["intents"][0] for op in puts}) + 1
    assert (outcome.verdict, outcome.counts["effects"]) == ("valid", 10), outcome


def test_what_a_batch_of_effects_leaves_is_sent_again(tmp_path: Path) -> None:
    """AWS leaves one of two rows, and the handler puts it with another call (S-23)."""
    leave = {"leave_unprocessed": {"process": "function", "nth": 1}}
    outcome = play(tmp_path, LEDGER / "batched.py", [leave], mapping={"maximum_batching_window_in_seconds": 1})
    calls = operations(outcome, "dynamodb.BatchWriteItem", OK)
    assert calls[1].value["intents"] == calls[0].value["unprocessed"]
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
