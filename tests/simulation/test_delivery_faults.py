"""What a fault can do to a delivery: repeat it, delay it, or send the position back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_host import Function, SmallHost, deliveries, operations, started

from harness.faults.platform import LostCheckpoint, RepeatedDelivery
from harness.faults.points import Seed
from harness.faults.wire import Latency


def test_a_redelivery_at_once_comes_before_anything_else():
    """The acknowledged batch comes once more, and its failure is retried like any other."""
    function = Function(lambda intents, nth: nth == 2)
    host = started(function, [RepeatedDelivery(nth=1)], batch_size=1)
    host.put("a/1", "a/2")
    host.run()
    assert function.got == [["a/1"], ["a/1"], ["a/1"], ["a/2"]]
    assert [one.value["delivery"] for one in operations(host, "deliver", "invoke")] == [1, 2, 3, 4]


def test_a_late_redelivery_lets_later_batches_come_in_between():
    """It is made by a process of its own, and what it answers is ignored."""
    function = Function(lambda intents, nth: nth == 3)
    host = started(function, [RepeatedDelivery(nth=1, seconds=30.0)], batch_size=1)
    host.put("a/1", "a/2")
    host.run()
    assert deliveries(host) == [
        ("dispatcher/0", "ok", ["a/1"], "succeeded"),
        ("dispatcher/0", "ok", ["a/2"], "succeeded"),
        ("dispatcher/0+1", "fail", ["a/1"], "raised"),
    ]


def test_a_concurrent_redelivery_overlaps_the_first():
    """Both are open at the same time, in processes of their own."""
    host = started(Function(seconds=1.0), [RepeatedDelivery(nth=1, concurrently=True)])
    host.put("a/1")
    host.run()
    assert [(one.process, one.type) for one in operations(host, "deliver")] == [
        ("dispatcher/0", "invoke"),
        ("dispatcher/0+1", "invoke"),
        ("dispatcher/0", "ok"),
        ("dispatcher/0+1", "ok"),
    ]


@pytest.mark.parametrize("seconds, concurrently", [(0.0, False), (1.0, False), (0.0, True)])
def test_redelivery_without_a_limit_comes_to_an_end(seconds, concurrently):
    """A copy is a point like any other, so it is copied as well; a chain has ten copies at most."""
    function = Function()
    host = started(function, [RepeatedDelivery(seconds=seconds, concurrently=concurrently)])
    host.put("a/1")
    assert host.run()
    assert function.got == [["a/1"]] * 11


@pytest.mark.parametrize(
    "records, again", [(1, [["a/2"]]), (2, [["a/1"], ["a/2"]]), (None, [["a/0"], ["a/1"], ["a/2"]])]
)
def test_a_roll_back_brings_acknowledged_records_again_in_order(records, again):
    """By so many records, or from the beginning; then it goes on with what is new."""
    function = Function()
    host = started(function, [LostCheckpoint(nth=3, records=records)], batch_size=1)
    host.put("a/0", "a/1", "a/2", "a/3")
    host.run()
    assert function.got == [["a/0"], ["a/1"], ["a/2"], *again, ["a/3"]]


def test_a_roll_back_reaches_discarded_records_too():
    """What was too old then is too old again, and is given up once more."""
    function = Function(lambda intents, nth: "a/1" in intents)
    host = started(function, [LostCheckpoint(nth=1)], maximum_record_age_in_seconds=60)
    host.put("a/1")
    host.put_at(300, "a/2")
    host.run()
    assert [one.value["intents"] for one in operations(host, "discard")] == [["a/1"], ["a/1"]]
    assert function.got[-2:] == [["a/2"], ["a/2"]]


def test_a_copy_that_is_told_to_roll_back_waits_for_the_batch_in_hand():
    """No record is lost or handed over out of order meanwhile."""
    function = Function(seconds=1.0)
    host = started(function, [RepeatedDelivery(nth=1, concurrently=True), LostCheckpoint(nth=2)], batch_size=1)
    host.put("a/0", "a/1", "a/2")
    host.run()
    lane = [intents for process, _, intents, _ in deliveries(host) if process == "dispatcher/0"]
    assert lane == [["a/0"], ["a/1"], ["a/0"], ["a/1"], ["a/2"]]


def test_a_delay_makes_the_delivery_wait():
    """The batch is in hand meanwhile."""
    host = started(Function(), [Latency(process="dispatcher", call="deliver", seconds=7.0)])
    host.put("a/1")
    host.run()
    opened, closed = operations(host, "deliver")
    assert 7 <= (closed.time - opened.time) / 1e6 < 8


def test_a_stopped_dispatcher_makes_no_late_redelivery():
    """What was decided before it stopped is not enacted after (S-90)."""
    function = Function()
    host = started(function, [RepeatedDelivery(seconds=30.0)])
    host.put("a/1")
    host.simulation.at(10_000_000, host.dispatcher.stop)
    host.run()
    assert function.got == [["a/1"]]


@given(
    seed=st.integers(0, 10_000),
    settings_drawn=st.fixed_dictionaries(
        {
            "batch_size": st.integers(1, 5),
            "parallelization_factor": st.integers(1, 3),
            "maximum_retry_attempts": st.sampled_from([0, 2, -1]),
            "maximum_batching_window_in_seconds": st.sampled_from([0, 2]),
            "bisect_batch_on_function_error": st.booleans(),
        }
    ),
)
@settings(max_examples=40, deadline=None)
def test_whatever_happens_no_record_is_skipped_or_overtakes_another_of_its_item(seed, settings_drawn):
    """Failures, redeliveries and roll backs may repeat records; each still ends acknowledged or discarded, in order."""
    function = Function(lambda intents, nth: Seed(seed).draw("fails", nth) < 0.4)
    faults = [
        RepeatedDelivery(probability=0.2, times=3),
        RepeatedDelivery(probability=0.2, times=2, concurrently=True),
        RepeatedDelivery(probability=0.2, times=2, seconds=3.0),
        LostCheckpoint(probability=0.2, times=2),
        LostCheckpoint(probability=0.2, times=2, records=2),
    ]
    host = SmallHost(function, faults, seed)
    function.host = host
    host.start(**settings_drawn)
    written = [f"i{step % 4}/{step}" for step in range(16)]
    for step, intent in enumerate(written):
        host.put_at(step * 0.3, intent)
    assert host.run()
    lanes = [one for one in operations(host, "deliver", "ok") + operations(host, "discard") if "+" not in one.process]
    lanes.sort(key=lambda one: one.index)
    ended = list(dict.fromkeys(intent for one in lanes for intent in one.value["intents"]))
    for item in ("i0/", "i1/", "i2/", "i3/"):
        assert [one for one in ended if one.startswith(item)] == [one for one in written if one.startswith(item)]
