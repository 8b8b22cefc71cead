"""What happens to a batch after a delivery: its records are done, retried, or discarded and reported. Pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html, S-65…S-80 and S-82;
for partial batch responses https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.delivery.sources import SOURCES, Record, sequence_numbers, source_at
from harness.history import MICROSECONDS
from harness.pipeline.resources import FOREVER, RETENTION_SECONDS, Mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function's answer says: how many records, from the first, are done.

    An answer that is not `readable` fails the whole batch, as an exception does.
    """

    done: int
    readable: bool = True


UNREADABLE = Answer(0, readable=False)


def read(payload: Any, records: Sequence[Record]) -> Answer:
    """Reads an answer. It counts only if ReportBatchItemFailures is on; otherwise it is ignored (S-76).

    Success: null, an empty list, an object without `batchItemFailures` or with an empty or null one (S-72).
    Several identifiers: the lowest sequence number, as a number, is the first record that is not done (S-75).
    Anything else fails the whole batch: an identifier that is empty, null, misspelt or not in the batch (S-73, S-74).
    So does any other type: AWS does not document that case (S-77), and a failure loses no record.
    """
    if payload is None or payload == []:
        return Answer(len(records))
    if not isinstance(payload, dict):
        return UNREADABLE
    failures = payload.get("batchItemFailures")
    if failures is None or failures == []:
        return Answer(len(records))
    if not isinstance(failures, list):
        return UNREADABLE
    positions = {number: position for position, number in enumerate(sequence_numbers(records))}
    identifiers = [_identifier(failure) for failure in failures]
    if any(identifier not in positions for identifier in identifiers):
        return UNREADABLE
    return Answer(positions[min(identifiers, key=int)])


def _identifier(failure: Any) -> str:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return identifier if isinstance(identifier, str) else ""


# How an invocation ended.
SUCCEEDED, RAISED, NOT_STARTED, RESULT_LOST = "succeeded", "raised", "not_started", "result_lost"

# Why records are discarded. The first two are the conditions of the on-failure record; AWS does not report the third.
RETRY_ATTEMPTS_EXHAUSTED, RECORD_AGE_EXCEEDED, EXPIRED = "RetryAttemptsExhausted", "RecordAgeExceeded", "expired"

BACK_OFF_FIRST_SECONDS, BACK_OFF_CAP_SECONDS = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """How an invocation ended. `payload` is the function's answer as JSON, `error` a description of the failure."""

    kind: str
    payload: Any = None
    error: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that are delivered together.

    attempts: invocations that count against MaximumRetryAttempts. invocations: all that may have run the function.
    failures: deliveries in a row without any progress. copy: the number of this copy in a fault's chain, or 0.
    """

    records: tuple[Record, ...]
    attempts: int = 0
    invocations: int = 0
    failures: int = 0
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Discard:
    """Records that the mapping gives up, and why."""

    batch: Batch
    reason: str


@dataclass(frozen=True, slots=True)
class BatchDecision:
    """Each record of the batch is in exactly one of `done`, `discard` and `retry`, and their order is kept."""

    done: tuple[Record, ...] = ()
    retry: tuple[Batch, ...] = ()
    discard: Discard | None = None


def after(batch: Batch, result: InvocationResult, mapping: Mapping) -> BatchDecision:
    """A batch is done only if all of it succeeded (S-65). Throttles, errors before the start and lost results are
    retried without counting as an attempt (S-68)."""
    if result.kind == NOT_STARTED:
        return BatchDecision(retry=(replace(batch, failures=batch.failures + 1),))
    tried = replace(batch, invocations=batch.invocations + 1, failures=batch.failures + 1)
    if result.kind == RESULT_LOST:
        return BatchDecision(retry=(tried,))
    if result.kind == RAISED:
        return _failed(tried, mapping)
    reports = mapping.report_batch_item_failures
    answer = read(result.payload, batch.records) if reports else Answer(len(batch.records))
    if answer.done == len(batch.records):
        return BatchDecision(done=batch.records)
    return _reported(tried, answer.done, mapping) if answer.readable else _failed(tried, mapping)


def sift(batch: Batch, mapping: Mapping, now: int) -> tuple[Batch, tuple[Discard, ...]]:
    """Removes the records that are too old at `now` (microseconds since the epoch); called before every delivery.

    A record older than 24 hours has left the stream and is not reported (S-66). One older than MaximumRecordAge is
    discarded and reported (S-69).
    """
    limit = (
        RETENTION_SECONDS if mapping.maximum_record_age_in_seconds == FOREVER else mapping.maximum_record_age_in_seconds
    )
    expired: list[Record] = []
    aged: list[Record] = []
    young: list[Record] = []
    for record in batch.records:
        age = now - record.created_at
        (expired if age > RETENTION_SECONDS * MICROSECONDS else aged if age > limit * MICROSECONDS else young).append(
            record
        )
    discards = tuple(
        Discard(replace(batch, records=tuple(records)), reason)
        for records, reason in ((expired, EXPIRED), (aged, RECORD_AGE_EXCEEDED))
        if records
    )
    return replace(batch, records=tuple(young)), discards


def pause(failures: int, draw: float) -> float:
    """Seconds to wait before the next retry, after that many failures in a row; `draw` is in [0, 1).

    From 1 s, doubling, ±50 %, at most 60 s. AWS does not document its back-off (S-96).
    """
    if not failures:
        return 0.0
    # Ten doublings are beyond the cap; the bound keeps the number small however often the batch fails.
    doublings = min(failures - 1, 10)
    return min(BACK_OFF_FIRST_SECONDS * (1 << doublings) * (0.5 + draw), BACK_OFF_CAP_SECONDS)


def _failed(tried: Batch, mapping: Mapping) -> BatchDecision:
    """The whole batch failed. With bisect it is halved, which does not count as an attempt (S-70, S-71)."""
    if not mapping.bisect_batch_on_function_error or len(tried.records) == 1:
        return _attempted(tried, mapping)
    middle = len(tried.records) // 2
    first = replace(tried, records=tried.records[:middle])
    second = replace(tried, records=tried.records[middle:], failures=0)
    return BatchDecision(retry=(first, second))


def _reported(tried: Batch, done: int, mapping: Mapping) -> BatchDecision:
    """The record at position `done` is the first that the function reported as failed: retried from there on (S-75).

    Behind a partial success the attempts begin anew, with bisect or without (S-71). At position 0 nothing succeeded:
    an attempt more.
    """
    if not done:
        return _attempted(tried, mapping)
    rest = replace(tried, records=tried.records[done:], attempts=0, failures=1)
    return BatchDecision(done=tried.records[:done], retry=(rest,))


def _attempted(tried: Batch, mapping: Mapping) -> BatchDecision:
    """MaximumRetryAttempts=N gives N+1 invocations (S-67)."""
    counted = replace(tried, attempts=tried.attempts + 1)
    if mapping.maximum_retry_attempts != FOREVER and counted.attempts > mapping.maximum_retry_attempts:
        return BatchDecision(discard=Discard(counted, RETRY_ATTEMPTS_EXHAUSTED))
    return BatchDecision(retry=(counted,))


_BATCH_INFO = [source.BATCH_INFO for source in SOURCES.values()]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def on_failure_record(
    discard: Discard,
    result: InvocationResult | None,
    *,
    request_id: str,
    shard_id: str,
    stream_arn: str,
    function_arn: str,
    now: int,
) -> dict[str, Any]:
    """`result` is the last invocation's, or None if there was none; `now` is in microseconds since the epoch.

    A batch that became too old has no responseContext. functionError is null if the function reported the failure in
    its answer instead of raising.
    """
    records, source = discard.batch.records, source_at(stream_arn)
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": discard.reason,
            "approximateInvokeCount": max(1, discard.batch.invocations),  # AWS says 1 where there was none too
        }
    }
    if discard.reason == RETRY_ATTEMPTS_EXHAUSTED and result is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled" if result.kind == RAISED else None,
        }
    record["version"] = "1.0"
    record["timestamp"] = _iso(now, "milliseconds")
    record[source.BATCH_INFO] = {
        "shardId": shard_id,
        "startSequenceNumber": records[0].sequence_number,
        "endSequenceNumber": records[-1].sequence_number,
        "approximateArrivalOfFirstRecord": _iso(records[0].created_at, source.TIMESPEC),
        "approximateArrivalOfLastRecord": _iso(records[-1].created_at, source.TIMESPEC),
        "batchSize": len(records),
        "streamArn": stream_arn,
    }
    return record


def batch_info(on_failure_record: dict[str, Any]) -> dict[str, Any]:
    """The part of an on-failure record that says where in the stream its batch was."""
    info: dict[str, Any]
    (info,) = (on_failure_record[name] for name in _BATCH_INFO if name in on_failure_record)
    return info


def _iso(microseconds: int, timespec: str) -> str:
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
