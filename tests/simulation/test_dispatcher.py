"""The dispatcher: what it hands over, when, in which order, and what it leaves in the history."""

from __future__ import annotations

from itertools import pairwise

import pytest
from botocore.exceptions import ReadTimeoutError
from small_host import CALL_SECONDS, QUEUE, Function, Shard, SmallHost, deliveries, operations, refusal, started

from harness.errors import NotImitated, UserError
from harness.faults.platform import RepeatedDelivery


def test_records_are_handed_over_in_order_and_then_it_rests():
    """Batches of at most BatchSize, in order; when all is done nothing is scheduled any more, and it wakes again."""
    function = Function()
    host = started(function, batch_size=2)
    host.put("a/1", "b/1", "a/2")
    assert host.run()
    assert function.got == [["a/1", "b/1"], ["a/2"]]
    rested = host.time()
    host.put_at(3600, "a/3")
    assert host.run()
    assert function.got[2:] == [["a/3"]]
    assert 3600 <= (host.time() - rested) / 1e6 < 3601


def test_every_delivery_is_opened_and_closed_in_the_history():
    """With a number of its own, the attempt, the shard, the sequence numbers and the intents; then the outcome."""
    host = started(Function(lambda intents, nth: nth == 1))
    host.put("a/1", "b/1")
    host.run()
    opened, failed, again, done = operations(host, "deliver")
    value = {"delivery": 1, "attempt": 1, "shard": "shard-0", "sequence_numbers": ["1", "2"], "intents": ["a/1", "b/1"]}
    assert (opened.process, opened.type, opened.value) == ("dispatcher/0", "invoke", value)
    assert (failed.type, failed.value, failed.error) == (
        "fail",
        value | {"outcome": "raised"},
        "ArithmeticError: planted",
    )
    assert (again.type, again.value) == ("invoke", value | {"delivery": 2, "attempt": 2})
    assert (done.type, done.value["outcome"], done.error) == ("ok", "succeeded", None)


def test_no_record_is_overlooked_whenever_it_arrives():
    """Also while GetRecords is under way, or its answer on its way back: it takes no later record to find it."""
    for milliseconds in range(40):
        function = Function()
        host = started(function)
        host.put_at(milliseconds / 1000, "a/1")
        assert host.run()
        assert function.got == [["a/1"]]


def test_the_same_seed_gives_the_same_history_to_the_byte():
    """Also with failures, back-off, several lanes and faults."""

    def history(seed):
        function = Function(lambda intents, nth: nth % 3 == 0)
        host = SmallHost(function, [RepeatedDelivery(probability=0.5, seconds=2.0)], seed)
        function.host = host
        host.start(parallelization_factor=3, batch_size=2)
        for step in range(20):
            host.put_at(step / 7, f"i{step % 5}/{step}")
        assert host.run()
        return [operation.to_json() for operation in host.history]

    assert history(7) == history(7) != history(8)


def test_a_failing_batch_blocks_its_shard_and_no_other():
    """What comes after it waits until it succeeds or is given up; other shards go on (S-66)."""
    function = Function(lambda intents, nth: "a/1" in intents)
    host = SmallHost(function)
    host.shards["shard-1"] = Shard()
    host.start(batch_size=1, maximum_retry_attempts=2)
    host.put("a/1", "a/2")
    host.put("z/1", shard="shard-1")
    host.run()
    assert function.got == [["a/1"], ["z/1"], ["a/1"], ["a/1"], ["a/2"]]
    assert [one.process for one in operations(host, "deliver", "invoke")].count("dispatcher/1") == 1


def test_lanes_run_side_by_side_and_keep_the_order_of_each_item():
    """With ParallelizationFactor a stuck item holds up its own lane alone (S-81)."""
    function = Function(lambda intents, nth: "i1/0" in intents and nth < 12, seconds=0.5)
    host = started(function, parallelization_factor=4, batch_size=1)
    host.put(*(f"i{item}/{change}" for change in range(3) for item in range(6)))
    host.run()
    done = [intents[0] for _, type, intents, _ in deliveries(host) if type == "ok"]
    for item in range(6):
        assert [one for one in done if one.startswith(f"i{item}/")] == [f"i{item}/{change}" for change in range(3)]
    assert len(done) == 18
    assert done.index("i1/0") > done.index("i5/2")
    processes = {one.process for one in operations(host, "deliver", "invoke")}
    assert len(processes) > 1
    assert processes <= {f"dispatcher/0.{lane}" for lane in range(4)}


@pytest.mark.parametrize("queue_is_gone", [False, True])
def test_a_batch_that_used_up_its_retries_is_discarded_and_told(queue_is_gone):
    """The destination gets its record; if it cannot be reached, the batch is lost and the rest goes on (S-67, S-83)."""
    function = Function(lambda intents, nth: "a/1" in intents)
    host = SmallHost(function)
    host.queue_is_gone = queue_is_gone
    host.start(maximum_retry_attempts=1, batch_size=2, on_failure_arn=QUEUE)
    host.put("a/1", "b/1", "c/1")
    host.run()
    assert function.got == [["a/1", "b/1"], ["a/1", "b/1"], ["c/1"]]
    (discard,) = operations(host, "discard")
    assert (discard.process, discard.type) == ("dispatcher/0", "info")
    assert discard.value == {
        "reason": "RetryAttemptsExhausted",
        "shard": "shard-0",
        "sequence_numbers": ["1", "2"],
        "intents": ["a/1", "b/1"],
        "dead_lettered": not queue_is_gone,
    }
    told = [
        (one["requestContext"]["approximateInvokeCount"], one["DDBStreamBatchInfo"]["batchSize"])
        for one in host.messages
    ]
    assert told == ([] if queue_is_gone else [(2, 2)])


def test_bisect_discards_the_poison_record_alone():
    """Its neighbours are delivered, in order (S-70)."""
    function = Function(lambda intents, nth: "a/3" in intents)
    host = started(function, maximum_retry_attempts=1, bisect_batch_on_function_error=True)
    host.put("a/1", "a/2", "a/3", "a/4")
    host.run()
    assert function.got == [["a/1", "a/2", "a/3", "a/4"], ["a/1", "a/2"], ["a/3", "a/4"], ["a/3"], ["a/3"], ["a/4"]]
    assert [one.value["intents"] for one in operations(host, "discard")] == [["a/3"]]


def test_a_partial_answer_is_retried_from_the_reported_record():
    """Nothing before it comes again (S-75); the history says that a part succeeded."""
    reports = [{"batchItemFailures": [{"itemIdentifier": "2"}]}, {"batchItemFailures": [{"itemIdentifier": ""}]}, None]
    function = Function(answer=lambda event: reports.pop(0))
    host = started(function, report_batch_item_failures=True)
    host.put("a/1", "b/1", "c/1")
    host.run()
    assert function.got == [["a/1", "b/1", "c/1"], ["b/1", "c/1"], ["b/1", "c/1"]]
    assert [outcome for _, _, _, outcome in deliveries(host)] == ["partly_succeeded", "reported", "succeeded"]


@pytest.mark.parametrize(
    "error, outcome",
    [
        (refusal("TooManyRequestsException", 429), "not_started"),
        (refusal("ServiceException", 500), "result_lost"),
        (refusal("EC2ThrottledException", 502), "result_lost"),
        (ReadTimeoutError(endpoint_url="https://lambda"), "result_lost"),
    ],
)
def test_throttles_and_lost_results_are_retried_without_end(error, outcome):
    """They use no retry attempt: the batch is not lost even where none is allowed (S-68, S-118)."""
    host = started(Function(lambda intents, nth: error if nth <= 4 else False), maximum_retry_attempts=0)
    host.put("a/1")
    host.run()
    assert [one for _, _, _, one in deliveries(host)] == [outcome] * 4 + ["succeeded"]


def test_the_pauses_between_tries_double():
    """From about one second, each ±50 % (S-96)."""
    host = started(Function(lambda intents, nth: nth < 6))
    host.put("a/1")
    host.run()
    times = [one.time for one in operations(host, "deliver", "invoke")]
    pauses = [(after - before) / 1e6 - CALL_SECONDS for before, after in pairwise(times)]
    assert all(0.5 * 2**n <= pause <= 1.5 * 2**n for n, pause in enumerate(pauses))
    assert len({pause / 2**n for n, pause in enumerate(pauses)}) > 1


@pytest.mark.parametrize("limit, reason, told", [(60, "RecordAgeExceeded", 1), (-1, "expired", 0)])
def test_a_record_that_fails_until_it_is_too_old_is_discarded(limit, reason, told):
    """By MaximumRecordAge the destination is told; when the stream's 24 hours are over, nobody is (S-66, S-69)."""
    host = started(
        Function(lambda intents, nth: "a/1" in intents),
        batch_size=1,
        maximum_record_age_in_seconds=limit,
        on_failure_arn=QUEUE,
    )
    host.put("a/1", "a/2")
    host.run()
    (first, *rest) = operations(host, "discard")
    assert (first.value["reason"], first.value["intents"]) == (reason, ["a/1"])
    limit = 86_400 if limit == -1 else limit
    assert limit <= first.time / 1e6 <= limit + 62
    assert len(host.messages) == told * (1 + len(rest))


def test_the_batching_window_gathers_until_it_ends_or_a_batch_is_full():
    """Counted from the first record (S-64)."""
    function = Function()
    host = started(function, batch_size=3, maximum_batching_window_in_seconds=5)
    for step in range(5):
        host.put_at(1 + step, f"a/{step}")
    host.run()
    assert function.got == [["a/0", "a/1", "a/2"], ["a/3", "a/4"]]
    full, ended = (one.time / 1e6 for one in operations(host, "deliver", "invoke"))
    assert 3 <= full < 4
    assert 9 <= ended < 10


def test_a_retry_does_not_wait_for_the_batching_window():
    """What gathers meanwhile is for the next batch."""
    host = started(Function(lambda intents, nth: nth == 1), batch_size=2, maximum_batching_window_in_seconds=60)
    host.put("a/1", "b/1", "c/1")
    host.run()
    first, second, third = (one.time / 1e6 for one in operations(host, "deliver", "invoke"))
    assert second - first < 2
    assert third - second >= 60


def test_filtered_records_are_written_down_and_never_delivered():
    """A record that matches no pattern is gone for good for this mapping (S-84)."""
    function = Function()
    host = started(function, filter_criteria=({"dynamodb": {"Keys": {"id": {"S": ["a", "b"]}}}},))
    host.put("a/1", "x/1", "b/1", "x/2")
    host.run()
    assert function.got == [["a/1", "b/1"]]
    (filtered,) = operations(host, "filter")
    assert (filtered.process, filtered.type) == ("dispatcher/0", "info")
    assert filtered.value == {"shard": "shard-0", "sequence_numbers": ["2", "4"], "intents": ["x/1", "x/2"]}


def test_a_disabled_mapping_delivers_nothing():
    """It does not even look (S-88)."""
    host = started(Function(), enabled=False)
    host.put("a/1")
    assert host.run()
    assert len(host.history) == 0


def test_a_stopped_dispatcher_delivers_nothing_more():
    """Not even what it was retrying (S-90)."""
    function = Function(lambda intents, nth: True)
    host = started(function)
    host.put("a/1")
    host.simulation.at(10_000_000, host.dispatcher.stop)
    host.run()
    assert operations(host, "deliver")[-1].time <= 10_000_000
    assert not operations(host, "discard")


def test_what_is_not_imitated_is_refused_before_anything_is_delivered():
    """Tumbling windows, other destinations, unknown filter operators; and a filter that is none."""
    for setting, named in (
        ({"tumbling_window_in_seconds": 30}, "tumbling_window_in_seconds"),
        ({"on_failure_arn": "arn:aws:sns:us-east-1:1:t"}, "sns"),
        ({"filter_criteria": ({"eventName": [{"wildcard": "*"}]},)}, "wildcard"),
    ):
        with pytest.raises(NotImitated, match=named):
            SmallHost().start(**setting)
    with pytest.raises(UserError, match="eventName"):
        SmallHost().start(filter_criteria=({"eventName": "INSERT"},))
