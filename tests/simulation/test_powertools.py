"""The idempotency of Powertools for AWS Lambda, as it is installed: what it survives, and its windows (P-08)."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from play import POWERTOOLS, fired, found, operations, play, told_unless_valid
from single_faults import SINGLE_FAULTS, at

from harness.api import RunOutcome
from harness.history import FAIL, INVOKE

# Those that end an execution between the effect and the mark.
ENDS_IN_BETWEEN = ("crash after the effect", "crash after a call", "timeout after the effect")
IN_PROGRESS = "IdempotencyAlreadyInProgressError"
# The function's first PutItem for an intent is the lock.
LOST_LOCK = {"lose_reply": {"process": "function", "call": "dynamodb.PutItem", "intent": "todo-1/1", "nth": 1}}
ONE_BY_ONE: dict[str, Any] = {"mapping": {"batch_size": 1}, "workload": {"intents": 5}}


def executions(outcome: RunOutcome, intent: str, *types: str) -> list[Any]:
    return [op for op in operations(outcome, "execute", *types) if intent in op.value["intents"]]


def test_it_survives_every_single_fault_but_those_in_its_window(processes: Executor, tmp_path: Path) -> None:
    """Each fault of the list, at the second point that it is aimed at: it fires once, and all is valid."""
    names = [name for name in SINGLE_FAULTS if name not in ENDS_IN_BETWEEN]
    running = [processes.submit(told_unless_valid, tmp_path, POWERTOOLS, [at(name, 2)], 2) for name in names]
    assert [future.result() for future in running] == [""] * len(names)


@pytest.mark.parametrize("name", ENDS_IN_BETWEEN)
def test_an_execution_that_ends_between_effect_and_mark_repeats_the_effect(name: str, tmp_path: Path) -> None:
    """Once the lock has no time left: the lock lasts as long as the execution had left when it took it."""
    outcome = play(tmp_path, POWERTOOLS, [at(name, 2)])
    assert (found(outcome), fired(outcome)) == ({("duplicated", "function")}, [1]), outcome


def test_after_a_crash_the_lock_keeps_others_out_until_the_execution_would_have_timed_out(tmp_path: Path) -> None:
    """Every delivery until then raises; the first one after it applies the effect again (three seconds, as set)."""
    crash = {"crash": {"intent": "todo-1/1", "nth": 1}}
    outcome = play(tmp_path, POWERTOOLS, [crash], **ONE_BY_ONE)
    began = executions(outcome, "todo-1/1", INVOKE)
    refused = executions(outcome, "todo-1/1", FAIL)
    assert len(refused) == len(began) - 2
    assert refused
    assert all(IN_PROGRESS in op.error for op in refused)
    assert began[-1].time - began[0].time > 3_000_000 > refused[-1].time - began[0].time
    assert found(outcome) == {("duplicated", "function")}


def test_a_lock_whose_reply_was_lost_blocks_its_own_call(tmp_path: Path) -> None:
    """The SDK's repetition finds the lock, and nothing has run: with retries enough it is only late."""
    outcome = play(tmp_path, POWERTOOLS, [LOST_LOCK], **ONE_BY_ONE)
    refused = executions(outcome, "todo-1/1", FAIL)
    assert refused
    assert all(IN_PROGRESS in op.error for op in refused)
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome


def test_with_few_retries_a_lost_reply_to_the_lock_costs_the_effect(tmp_path: Path) -> None:
    """The mapping gives up before the lock does, although nothing was ever applied."""
    few = {"mapping": {"batch_size": 1, "maximum_retry_attempts": 1}, "workload": {"intents": 5}}
    outcome = play(tmp_path, POWERTOOLS, [LOST_LOCK], **few)
    assert found(outcome) == {("dead_lettered", "function")}, outcome


@pytest.mark.parametrize("seconds, anomalies", [(60, {("duplicated", "function")}), (3600, set())])
def test_a_marker_that_has_expired_does_not_count(seconds: int, anomalies: set[Any], tmp_path: Path) -> None:
    """A delivery two minutes later is applied again when the marker was good for one, and not when for an hour."""
    pipeline = {"function": {"environment": {"EXPIRES_AFTER_SECONDS": seconds}}}
    outcome = play(tmp_path, POWERTOOLS, [{"redeliver": {"seconds": 120, "nth": 2}}], pipeline=pipeline)
    assert (found(outcome), fired(outcome)) == (anomalies, [1]), outcome


def test_it_leaves_the_run_to_the_seed(tmp_path: Path) -> None:
    """The library is imported within a run: two runs of one seed have the same history all the same."""
    first, second = (play(tmp_path, POWERTOOLS, [at("redelivery at once", 2)], seed=3) for _ in range(2))
    assert [op.to_json() for op in first.history] == [op.to_json() for op in second.history]
