"""A lane: how batches are cut, and what comes again in which order."""

from __future__ import annotations

import pytest
from stream_records import NOW, record

from harness.delivery.lane import PAYLOAD_BYTES, Lane, lane_number
from harness.delivery.redelivery import RAISED, SUCCEEDED, InvocationResult, after
from harness.delivery.sources import payload, sequence_numbers
from harness.pipeline.resources import Mapping


def numbers(taken):
    return sequence_numbers(taken.records)


def test_a_batch_has_at_most_batch_size_records():
    """What waits is cut into batches of BatchSize, in order (S-62)."""
    lane = Lane(Mapping(batch_size=2))
    lane.offer(record(number) for number in range(3))
    assert (lane.full, numbers(lane.take()), lane.full, numbers(lane.take())) == (True, ["0", "1"], False, ["2"])
    assert lane.take() is None


@pytest.mark.parametrize("megabytes, sizes", [(1.9, [3, 2]), (3.1, [1, 1, 1, 1, 1]), (7, [1, 1, 1, 1, 1])])
def test_a_batch_has_at_most_six_megabytes(megabytes, sizes):
    """Counted on the event's JSON; a record that is larger by itself is still handed over (S-63)."""
    lane, taken = Lane(Mapping()), []
    lane.offer(record(number, note="x" * int(megabytes * 1024 * 1024)) for number in range(5))
    assert lane.full
    while current := lane.take():
        taken.append(current.records)
    assert [len(records) for records in taken] == sizes
    assert all(len(records) == 1 or len(payload(records)) <= PAYLOAD_BYTES for records in taken)


@pytest.mark.parametrize(
    "records, expected",
    [(1, ["2", "3"]), (2, ["1", "2", "3"]), (None, ["0", "1", "2", "3"]), (99, ["0", "1", "2", "3"])],
)
def test_a_roll_back_brings_passed_records_again_in_order(records, expected):
    """The position goes back by so many records, or to the beginning; they come again before what is new."""
    lane = Lane(Mapping(batch_size=3))
    lane.offer(record(number) for number in range(4))
    lane.settle(after(lane.take(), InvocationResult(SUCCEEDED), Mapping()))
    lane.roll_back(records, NOW * 1_000_000)
    assert [number for taken in iter(lane.take, None) for number in numbers(taken)] == expected


def test_a_roll_back_forgets_failures_and_does_not_reach_expired_records():
    """What was to be retried is read again like the rest, and the stream does not give back what it trimmed."""
    lane = Lane(Mapping(batch_size=2, bisect_batch_on_function_error=True, report_batch_item_failures=True))
    lane.offer([record(0, NOW - 90_000), *(record(number) for number in range(1, 6))])
    lane.settle(after(lane.take(), InvocationResult(SUCCEEDED), lane._mapping))
    lane.settle(after(lane.take(), InvocationResult(RAISED), lane._mapping))
    lane.roll_back(None, NOW * 1_000_000)
    assert [(numbers(taken), taken.attempts) for taken in iter(lane.take, None)] == [
        (["1", "2"], 0),
        (["3", "4"], 0),
        (["5"], 0),
    ]


def test_a_batch_that_comes_again_comes_first_and_is_passed_once():
    """A redelivered batch goes before what waits, and a later roll back still finds each record once."""
    lane = Lane(Mapping(batch_size=2))
    lane.offer(record(number) for number in range(4))
    first = lane.take()
    lane.settle(after(first, InvocationResult(SUCCEEDED), Mapping()))
    lane.again(first)
    copy = lane.take()
    assert (copy.records, copy.copy) == (first.records, 1)
    lane.settle(after(copy, InvocationResult(SUCCEEDED), Mapping()))
    lane.roll_back(None, NOW * 1_000_000)
    assert [numbers(taken) for taken in iter(lane.take, None)] == [["0", "1"], ["2", "3"]]


def test_all_records_of_an_item_are_in_one_lane():
    """The lane follows from the item's key alone, and the items spread over all lanes (S-81)."""
    lanes = [lane_number(record(0, item=f"todo-{number}"), 4) for number in range(40)]
    assert lanes == [lane_number(record(9, item=f"todo-{number}"), 4) for number in range(40)]
    assert sorted(set(lanes)) == [0, 1, 2, 3]
    assert lanes[:6] == [0, 2, 3, 2, 2, 0]
