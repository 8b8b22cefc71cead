"""What a record of a Kinesis stream says, as Lambda's event has it; test_dead_letter.py has that of a table."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from stream_records import record as stream_record

from harness.agent.requests import Subject, of_event, of_request
from harness.agent.requests import sequence_numbers as seen_by_agent
from harness.delivery import filters
from harness.delivery.redelivery import RETRY_ATTEMPTS_EXHAUSTED, Batch, Discard, batch_info, on_failure_record
from harness.delivery.sources import SOURCES, Record, intents, items, payload, sequence_numbers, source_at

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/Todos"
SHARD = "shardId-000000000000"
TODO = {"id": "todo-1", "intent": "todo-1/2", "done": True}


def read(number: int = 7, data: bytes = json.dumps(TODO).encode(), partition_key: str = "todo-1") -> dict[str, Any]:
    """As boto3's GetRecords returns it."""
    return {
        "SequenceNumber": str(number),
        "ApproximateArrivalTimestamp": datetime.fromtimestamp(1_900_000_000.25, UTC),
        "Data": data,
        "PartitionKey": partition_key,
        "EncryptionType": "NONE",
    }


def record(*arguments: Any) -> Record:
    return SOURCES["kinesis"].to_record(read(*arguments), STREAM, SHARD)


def test_the_event_has_exactly_the_documented_fields() -> None:
    """Shard and number make the eventID; the data are base64, whatever they are (S-55)."""
    assert record().event == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "todo-1",
            "sequenceNumber": "7",
            "data": base64.b64encode(json.dumps(TODO).encode()).decode(),
            "approximateArrivalTimestamp": 1_900_000_000.25,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:7",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/function",
        "awsRegion": "eu-west-1",
        "eventSourceARN": STREAM,
    }


def test_the_event_names_the_role_of_the_function() -> None:
    """Where it is known; the event of a table's stream names none."""
    role = "arn:aws:iam::123456789012:role/consumer"
    (event,) = json.loads(payload([record()], role))["Records"]
    assert event == {**record().event, "invokeIdentityArn": role}
    changed = stream_record(1)
    assert json.loads(payload([changed], role))["Records"] == [changed.event]


def test_the_service_in_an_arn_names_the_source() -> None:
    """Of a data stream, and of a table's stream."""
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/Todos/stream/label"
    assert source_at(STREAM) is SOURCES["kinesis"]
    assert source_at(table) is SOURCES["dynamodb"]


def test_a_record_is_named_by_its_data() -> None:
    """And by its partition key, where they name no item; data that are no JSON object carry no intent."""
    strange = [record(8, b"\xff\x00", "a"), record(9, b"[1]", "b"), record(10, b'{"intent": "c/1"}', "c")]
    records = [record(), *strange, record()]
    assert intents(records) == ("todo-1/2", "c/1")
    assert items(records) == ("todo-1", "a", "b", "c")
    assert sequence_numbers(records) == ["7", "8", "9", "10", "7"]
    assert [each.key for each in records] == ["todo-1", "a", "b", "c", "todo-1"]
    assert records[0].created_at == 1_900_000_000_250_000
    assert (records[0].content, records[1].content) == (TODO, {})


def test_the_agent_sees_the_same() -> None:
    """In the event, without anything of the harness but itself."""
    event = {"Records": [record().event, record(8, b"\xff\x00", "a").event]}
    assert of_event(event) == Subject("", ("todo-1", "a"), ("todo-1/2",))
    assert seen_by_agent(event) == ["7", "8"]


def test_a_request_is_about_what_its_data_say() -> None:
    """Under the name of the stream, or its ARN; of a batch each record counts."""
    data = base64.b64encode(json.dumps(TODO).encode()).decode()
    other = base64.b64encode(b'{"id": "todo-2", "intent": "todo-2/1"}').decode()
    one = json.dumps({"StreamName": "Todos", "PartitionKey": "todo-1", "Data": data}).encode()
    many = json.dumps({"StreamARN": STREAM, "Records": [{"Data": data}, {"Data": other}]}).encode()
    sinks = frozenset({"Effects"})
    assert of_request("kinesis", "PutRecord", "", one, sinks) == Subject("Todos", ("todo-1",), ("todo-1/2",))
    both = Subject("Todos", ("todo-1", "todo-2"), ("todo-1/2", "todo-2/1"))
    assert of_request("kinesis", "PutRecords", "", many, sinks) == both


@pytest.mark.parametrize(
    "pattern, passes",
    [
        ({"data": {"done": [True]}}, True),
        ({"data": {"intent": [{"prefix": "todo-2"}]}}, False),
        ({"partitionKey": ["todo-1"]}, True),
        ({"data": {"missing": [{"exists": True}]}}, False),
    ],
)
def test_filters_look_into_the_data(pattern: dict[str, Any], passes: bool) -> None:
    """As JSON, beside the metadata (S-84); what is no JSON matches no field of it."""
    assert filters.passes(record().filtered, [pattern]) is passes
    assert not filters.passes(record(8, b"text").filtered, [{"data": {"done": [True]}}])


def test_the_on_failure_record_is_of_kinesis() -> None:
    """Under a name of its own, with the times to the millisecond (S-82)."""
    told = on_failure_record(
        Discard(Batch((record(7), record(8))), RETRY_ATTEMPTS_EXHAUSTED),
        None,
        request_id="r1",
        shard_id=SHARD,
        stream_arn=STREAM,
        function_arn="f",
        now=0,
    )
    assert "DDBStreamBatchInfo" not in told
    assert batch_info(told) == told["KinesisBatchInfo"]
    assert told["KinesisBatchInfo"] == {
        "shardId": SHARD,
        "startSequenceNumber": "7",
        "endSequenceNumber": "8",
        "approximateArrivalOfFirstRecord": "2030-03-17T17:46:40.250Z",
        "approximateArrivalOfLastRecord": "2030-03-17T17:46:40.250Z",
        "batchSize": 2,
        "streamArn": STREAM,
    }
