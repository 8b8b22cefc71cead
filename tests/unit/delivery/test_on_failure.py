"""The on-failure record, and the event that the function gets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from stream_records import NOW, batch, record

from harness.delivery.redelivery import (
    RAISED,
    RECORD_AGE_EXCEEDED,
    RETRY_ATTEMPTS_EXHAUSTED,
    SUCCEEDED,
    Discard,
    InvocationResult,
    on_failure_record,
)
from harness.delivery.sources import DynamoDBStream, intents, items, payload
from harness.errors import NotImitated
from harness.pipeline.resources import queue_url

STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/Source/stream/2030-01-01T00:00:00.000"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
WHERE = {"request_id": "r1", "shard_id": "shardId-1", "stream_arn": STREAM, "function_arn": FUNCTION}


def on_failure(reason, outcome):
    return on_failure_record(
        Discard(replace(batch(7, 8, invocations=4), records=(record(7, NOW - 60), record(8))), reason),
        outcome,
        **WHERE,
        now=NOW * 1_000_000 + 479_999,
    )


def test_the_on_failure_record_has_the_fields_that_aws_documents():
    """Where the records were, not what they were (S-82)."""
    assert on_failure(RETRY_ATTEMPTS_EXHAUSTED, InvocationResult(RAISED, error="boom")) == {
        "requestContext": {
            "requestId": "r1",
            "functionArn": FUNCTION,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2030-03-17T17:46:40.479Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "7",
            "endSequenceNumber": "8",
            "approximateArrivalOfFirstRecord": "2030-03-17T17:45:40Z",
            "approximateArrivalOfLastRecord": "2030-03-17T17:46:40Z",
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }


def test_a_reported_failure_has_no_function_error():
    """The function did not raise: functionError is null (S-82)."""
    assert on_failure(RETRY_ATTEMPTS_EXHAUSTED, InvocationResult(SUCCEEDED))["responseContext"]["functionError"] is None


def test_a_record_that_became_too_old_has_no_response():
    """Condition RecordAgeExceeded comes without responseContext (S-69)."""
    told = on_failure(RECORD_AGE_EXCEEDED, None)
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in told


@pytest.mark.parametrize("invocations, told", [(0, 1), (1, 1), (4, 4)])
def test_a_record_that_became_too_old_unhandled_counts_one_invocation(invocations, told):
    """AWS says 1 where there was none (S-69)."""
    discard = Discard(batch(7, invocations=invocations), RECORD_AGE_EXCEEDED)
    record = on_failure_record(discard, None, **WHERE, now=NOW * 1_000_000)
    assert record["requestContext"]["approximateInvokeCount"] == told


def test_only_queues_are_imitated_as_destinations():
    """A queue's ARN says whose and which it is; anything else is named."""
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/failures"
    assert queue_url("arn:aws:sqs:us-east-1:123456789012:failures") == url
    for other in ("arn:aws:sns:us-east-1:123456789012:t", "arn:aws:s3:::bucket", "failures"):
        with pytest.raises(NotImitated, match=other):
            queue_url(other)


READ = {
    "eventID": "e1",
    "eventName": "REMOVE",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-1",
    "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
    "dynamodb": {
        "ApproximateCreationDateTime": datetime.fromtimestamp(NOW, UTC),
        "Keys": {"id": {"S": "todo-1"}},
        "OldImage": {"intent": {"S": "todo-1/2"}, "note": {"M": {"raw": {"B": b"\x00\xff"}}}, "all": {"BS": [b"a"]}},
        "SequenceNumber": "000000000000000000111",
        "SizeBytes": 26,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
}


def test_the_event_has_exactly_the_documented_fields_as_json():
    """Times are numbers, binary values are base64, and nothing is added but the stream's ARN (S-92)."""
    made = DynamoDBStream().to_record(READ, STREAM, "shardId-1")
    assert json.loads(payload([made])) == {
        "Records": [
            {
                "eventID": "e1",
                "eventName": "REMOVE",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "eventSourceARN": STREAM,
                "userIdentity": {"principalId": "dynamodb.amazonaws.com", "type": "Service"},
                "dynamodb": {
                    "ApproximateCreationDateTime": NOW,
                    "Keys": {"id": {"S": "todo-1"}},
                    "OldImage": {
                        "intent": {"S": "todo-1/2"},
                        "note": {"M": {"raw": {"B": "AP8="}}},
                        "all": {"BS": ["YQ=="]},
                    },
                    "SequenceNumber": "000000000000000000111",
                    "SizeBytes": 26,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            }
        ]
    }
    assert made.created_at == NOW * 1_000_000
    assert "userIdentity" not in DynamoDBStream().to_record({**READ, "userIdentity": None}, STREAM, "shardId-1").event


def test_records_are_named_by_their_intents_and_items():
    """The new image's intent, else the old one's; each name once, in order; a key without `id` is named whole."""
    removed = DynamoDBStream().to_record(READ, STREAM, "shardId-1")
    written = record(2, item="todo-2", NewImage={"intent": {"S": "todo-2/1"}})
    nameless = record(3, Keys={"pk": {"S": "a"}, "sk": {"N": "1"}})
    assert intents([removed, written, nameless, written]) == ("todo-1/2", "todo-2/1")
    assert items([written, removed, nameless, written]) == ("todo-2", "todo-1", "a/1")
