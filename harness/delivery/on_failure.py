"""The on-failure record: the message about discarded records that the mapping sends to its destination. Pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html, S-82.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from harness.delivery.redelivery import RAISED, RETRY_ATTEMPTS_EXHAUSTED, Discard, InvocationResult
from harness.delivery.sources import SOURCES, source_at

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
