"""What becomes of a batch after a hand-over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_records import NOW, batch, record, reported, told

from harness.delivery.lane import Lane
from harness.delivery.redelivery import (
    EXPIRED,
    NOT_STARTED,
    RAISED,
    RECORD_AGE_EXCEEDED,
    RESULT_LOST,
    RETRY_ATTEMPTS_EXHAUSTED,
    SUCCEEDED,
    Batch,
    InvocationResult,
    after,
    pause,
    sift,
)
from harness.delivery.sources import sequence_numbers
from harness.pipeline.resources import Mapping

REPORTING = Mapping(report_batch_item_failures=True)
BISECTING = Mapping(bisect_batch_on_function_error=True)
OUTCOMES = {kind: InvocationResult(kind) for kind in (RAISED, NOT_STARTED, RESULT_LOST)}


def test_only_full_success_moves_on():
    """A batch that succeeded is done; one that failed is tried again as it was (S-65, S-79)."""
    assert told(after(batch(1, 2), InvocationResult(SUCCEEDED), Mapping())) == (["1", "2"], [], [])
    for outcome in OUTCOMES.values():
        assert told(after(batch(1, 2), outcome, Mapping())) == ([], [["1", "2"]], [])


def test_without_reporting_the_answer_is_not_looked_at():
    """A report of failures, or nonsense, is success unless ReportBatchItemFailures is on (S-76)."""
    assert told(after(batch(1, 2), reported("1"), Mapping())) == (["1", "2"], [], [])
    assert told(after(batch(1, 2), InvocationResult(SUCCEEDED, "nonsense"), Mapping())) == (["1", "2"], [], [])


@pytest.mark.parametrize("attempts", [0, 1, 3])
def test_n_retries_are_n_plus_one_invocations(attempts):
    """MaximumRetryAttempts=N: the batch is discarded after N+1 invocations (S-67)."""
    mapping, current, invocations = Mapping(maximum_retry_attempts=attempts), batch(1, 2), 0
    while True:
        decision = after(current, OUTCOMES[RAISED], mapping)
        invocations += 1
        if decision.discard:
            break
        (current,) = decision.retry
    assert invocations == attempts + 1 == decision.discard.batch.invocations
    assert (decision.discard.reason, told(decision)) == (RETRY_ATTEMPTS_EXHAUSTED, ([], [], ["1", "2"]))


@pytest.mark.parametrize("kind, invocations", [(NOT_STARTED, 0), (RESULT_LOST, 1)])
def test_throttles_and_lost_results_use_no_attempt(kind, invocations):
    """Even with no retries allowed the batch stays; only a lost result may have run the function (S-68, S-118)."""
    (retry,) = after(batch(1), OUTCOMES[kind], Mapping(maximum_retry_attempts=0)).retry
    assert (retry.attempts, retry.invocations, retry.failures) == (0, invocations, 1)


def test_bisect_halves_a_failed_batch_in_order_without_using_an_attempt():
    """Both halves keep the attempts of the whole, also with ReportBatchItemFailures on (S-70, S-71)."""
    for mapping in (BISECTING, replace(BISECTING, report_batch_item_failures=True)):
        decision = after(batch(1, 2, 3, attempts=0), OUTCOMES[RAISED], replace(mapping, maximum_retry_attempts=0))
        assert told(decision) == ([], [["1"], ["2", "3"]], [])
        assert [half.attempts for half in decision.retry] == [0, 0]


def test_a_single_record_is_not_halved_but_counts_attempts():
    """Where there is nothing to halve the retry quota counts (S-70)."""
    mapping = replace(BISECTING, maximum_retry_attempts=1)
    (retry,) = after(batch(1), OUTCOMES[RAISED], mapping).retry
    assert after(retry, OUTCOMES[RAISED], mapping).discard.reason == RETRY_ATTEMPTS_EXHAUSTED


def test_a_report_splits_at_the_reported_record():
    """Records before it are done, it and all after it are tried again, whatever became of them (S-71, S-75)."""
    for mapping in (REPORTING, replace(REPORTING, bisect_batch_on_function_error=True)):
        assert told(after(batch(1, 2, 3), reported("2"), mapping)) == (["1"], [["2", "3"]], [])


@pytest.mark.parametrize("bisect", [False, True])
@pytest.mark.parametrize("identifier, attempts", [("2", 0), ("3", 0), ("1", 3)])
def test_behind_a_partial_success_the_attempts_begin_anew(bisect, identifier, attempts):
    """Recorded on AWS (S-71). A report of the first record is no success: it counts, or it would never end."""
    mapping = replace(REPORTING, bisect_batch_on_function_error=bisect, maximum_retry_attempts=3)
    (retry,) = after(batch(1, 2, 3, attempts=2), reported(identifier), mapping).retry
    assert retry.attempts == attempts


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_record_that_fails_behind_a_partial_success_has_all_its_attempts(retries):
    """With the others once, and then alone as often as a batch of its own: five times with three retries (S-71)."""
    mapping = replace(REPORTING, maximum_retry_attempts=retries)
    decision, times = after(batch(1, 2, 3), reported("3"), mapping), 1
    assert told(decision) == (["1", "2"], [["3"]], [])
    while decision.retry:
        decision, times = after(decision.retry[0], reported("3"), mapping), times + 1
    assert (times, told(decision)) == (retries + 2, ([], [], ["3"]))


def test_an_unreadable_answer_fails_like_an_exception():
    """The whole batch is retried, or halved with bisect (S-73)."""
    assert told(after(batch(1, 2), reported(""), REPORTING)) == ([], [["1", "2"]], [])
    mapping = replace(REPORTING, bisect_batch_on_function_error=True)
    assert told(after(batch(1, 2), reported(""), mapping)) == ([], [["1"], ["2"]], [])


@pytest.mark.parametrize(
    "limit, age, reason",
    [
        (-1, 86_400, None),
        (-1, 86_401, EXPIRED),
        (60, 60, None),
        (60, 61, RECORD_AGE_EXCEEDED),
        (604_800, 86_401, EXPIRED),
    ],
)
def test_a_record_that_is_too_old_is_not_handed_over(limit, age, reason):
    """By MaximumRecordAge, or because the stream keeps records for 24 hours; each for itself (S-66, S-69)."""
    old, young = record(1, NOW - age), record(2, NOW)
    mapping = Mapping(maximum_record_age_in_seconds=limit)
    rest, discards = sift(Batch((old, young), attempts=1), mapping, NOW * 1_000_000)
    assert rest == Batch((young,) if reason else (old, young), attempts=1)
    assert [(discard.reason, discard.batch.records) for discard in discards] == ([(reason, (old,))] if reason else [])


@pytest.mark.parametrize(
    "failures, shortest, longest", [(0, 0, 0), (1, 0.5, 1.5), (2, 1, 3), (3, 2, 6), (7, 32, 60), (9999, 60, 60)]
)
def test_the_pause_doubles_up_to_a_minute(failures, shortest, longest):
    """From one second, ±50 %, never above sixty (S-96: the pace of AWS is not documented)."""
    assert pause(failures, 0.0) == shortest
    assert pause(failures, 0.999999) == pytest.approx(longest, abs=0.001)


def test_the_pause_starts_over_after_progress():
    """A batch that came closer to its end waits as after a first failure; the second half does not wait at all."""
    (rest,) = after(batch(1, 2, failures=5), reported("2"), REPORTING).retry
    first, second = after(batch(1, 2, failures=5), OUTCOMES[RAISED], BISECTING).retry
    assert (rest.failures, first.failures, second.failures) == (1, 6, 0)


# What holds whatever happens.

MAPPINGS = st.builds(
    Mapping,
    batch_size=st.integers(1, 8),
    maximum_retry_attempts=st.integers(0, 3),
    bisect_batch_on_function_error=st.booleans(),
    report_batch_item_failures=st.booleans(),
)


@given(MAPPINGS, st.integers(1, 12), st.data())
@settings(max_examples=200, deadline=None)
def test_nothing_is_skipped_or_reordered_and_everything_ends(mapping, count, data):
    """Whatever the function does, each record ends done or discarded, exactly once, in the order of the shard."""
    lane, passed = Lane(mapping), []
    lane.offer(record(number) for number in range(count))
    free = 0  # tries that use no attempt: these alone could go on for ever
    for _ in range(1000):
        current = lane.take()
        if current is None:
            break
        assert sequence_numbers(current.records) == [
            str(n) for n in range(len(passed), len(passed) + len(current.records))
        ]
        kinds = [SUCCEEDED, RAISED] + ([NOT_STARTED, RESULT_LOST] if free < 5 else [])
        kind = data.draw(st.sampled_from(kinds))
        free += kind in (NOT_STARTED, RESULT_LOST)
        known = sequence_numbers(current.records)
        failed = data.draw(st.lists(st.sampled_from([*known, ""]), max_size=2)) if kind == SUCCEEDED else []
        decision = after(current, replace(reported(*failed), kind=kind), mapping)
        done, retries, discarded = told(decision)
        assert done + [number for retry in retries for number in retry] + discarded == known
        passed += done + discarded
        lane.settle(decision)
    assert passed == [str(number) for number in range(count)]


@given(st.integers(1, 40), st.integers(0, 39))
def test_bisect_ends_with_the_poison_record_alone(count, poison):
    """One poison record is found in at most log2 steps of halving, and only it is discarded."""
    lane = Lane(Mapping(batch_size=40, bisect_batch_on_function_error=True, maximum_retry_attempts=0))
    lane.offer(record(number) for number in range(count))
    poison, discarded, deliveries = poison % count, [], 0
    while current := lane.take():
        deliveries += 1
        bad = str(poison) in sequence_numbers(current.records)
        decision = after(current, InvocationResult(RAISED if bad else SUCCEEDED), lane._mapping)
        discarded += told(decision)[2]
        lane.settle(decision)
    assert discarded == [str(poison)]
    assert deliveries <= 2 * count.bit_length() + 1
