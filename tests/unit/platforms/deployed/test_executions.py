"""How far a mapping is that nobody sees deliver: from what functions recorded and what lies in the queue."""

from __future__ import annotations

from typing import Any

import pytest

from harness.history import FAIL, INFO, INVOKE, OK
from harness.pipeline.resources import Mapping
from harness.platforms.deployed.mappings import processed, under_way
from harness.waiting import Quiescence

REPORTS = Mapping(report_batch_item_failures=True)


def execution(type: str, *numbers: str, reported: tuple[Any, ...] = (), process: str = "function/1") -> dict[str, Any]:
    value = {"sequence_numbers": list(numbers), "reported": list(reported)}
    return {"process": process, "type": type, "f": "execute", "value": value}


def effect(process: str, type: str = OK) -> dict[str, Any]:
    return {"process": process, "type": type, "f": "dynamodb.PutItem", "value": {"effect": True}}


def done(operations: list[dict[str, Any]], mapping: Mapping = Mapping(), letters: Any = ()) -> str:  # noqa: B008
    is_done = processed(operations, letters, mapping)
    return "".join(number for number in "1234" if is_done("shard", number))


def test_a_batch_that_succeeded_is_done() -> None:
    """One that raised, or has not ended, is not."""
    assert done([execution(INVOKE, "1", "2"), execution(OK, "1", "2"), execution(FAIL, "3")]) == "12"


def test_what_is_reported_is_the_checkpoint() -> None:
    """From the lowest number on everything comes again (S-75), where the mapping listens to reports (S-76)."""
    operations = [execution(OK, "1", "2", "3", "4", reported=("3", "4"))]
    assert done(operations, REPORTS) == "12"
    assert done(operations) == "1234"


def test_a_report_of_what_is_not_in_the_batch_fails_it_whole() -> None:
    """S-74."""
    assert done([execution(OK, "1", "2", reported=("9",))], REPORTS) == ""


def test_a_dead_letter_gives_up_its_span() -> None:
    """S-82: first and last of the batch, in its shard."""
    batch = {"shardId": "shard", "startSequenceNumber": "2", "endSequenceNumber": "3"}
    assert done([], letters=[{"DDBStreamBatchInfo": batch}]) == "23"
    assert done([], letters=[{"DDBStreamBatchInfo": {**batch, "shardId": "other"}}]) == ""


@pytest.mark.parametrize("failures, given_up", [(2, ""), (3, "12")])
def test_what_failed_as_often_as_it_may_is_given_up(failures: int, given_up: str) -> None:
    """S-67, told by nothing else where there is no queue: the first attempt and two retries, killed ones too."""
    attempts = [execution(INFO if number else FAIL, "1", "2") for number in range(failures)]
    limited = Mapping(maximum_retry_attempts=2)
    assert "".join(n for n in "123" if processed(attempts, (), limited, counts=True)("shard", n)) == given_up
    assert done(attempts, limited) == ""
    assert not processed(attempts * 9, (), Mapping(), counts=True)("shard", "1")


def test_an_execution_is_under_way_until_it_ends() -> None:
    """Whichever way; asked for one that has applied something, only a call that ended ok at a sink counts."""
    begun = [execution(INVOKE, "1", process="function/1"), execution(INVOKE, "2", process="function/2")]
    assert [each["process"] for each in under_way(begun, "started")] == ["function/1", "function/2"]
    assert under_way([*begun, effect("function/1", INVOKE)], "applied") == []
    applied = [*begun, effect("function/2")]
    assert [each["process"] for each in under_way(applied, "applied")] == ["function/2"]
    assert under_way([*applied, execution(FAIL, "2", process="function/2")], "applied") == []


def test_quiescence_begins_anew_with_every_change() -> None:
    """It lasts once the same was seen for so long."""
    clock = iter([0.0, 1.0, 1.0, 5.0, 6.0, 6.0, 8.0, 12.0])
    quiet = Quiescence(seconds=5.0, now=lambda: next(clock))
    assert [quiet.lasts(1), quiet.lasts(1), quiet.lasts(2), quiet.lasts(2), quiet.lasts(2)] == [
        False,
        False,
        False,
        False,
        True,
    ]
