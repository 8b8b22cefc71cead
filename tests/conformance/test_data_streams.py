"""Kinesis: the embedded service and Kinesis Mock 0.5.2, which is what LocalStack has, answer alike (S-55, S-59)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.delivery.sources import SOURCES
from harness.waiting import until

READY_SECONDS = 10

_names = itertools.count()


class Stream:
    """A new stream that is active."""

    def __init__(self, client: Any, shards: int = 1) -> None:
        self.client = client
        self.name = f"Todos{next(_names)}"
        client.create_stream(StreamName=self.name, ShardCount=shards)
        assert until(lambda: self.status() == "ACTIVE", READY_SECONDS)

    def status(self) -> Any:
        return self.client.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["StreamStatus"]

    def put(self, key: str, data: str = "{}", **more: Any) -> Any:
        return self.client.put_record(StreamName=self.name, PartitionKey=key, Data=data.encode(), **more)

    def shards(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.list_shards(StreamName=self.name)["Shards"]
        return found

    def iterator(self, shard: str, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        answer = self.client.get_shard_iterator(StreamName=self.name, ShardId=shard, ShardIteratorType=kind, **more)
        token: str = answer["ShardIterator"]
        return token

    def read(self, shard: str, kind: str = "TRIM_HORIZON", **more: Any) -> list[dict[str, Any]]:
        page = self.client.get_records(ShardIterator=self.iterator(shard, kind, **more))
        records: list[dict[str, Any]] = page["Records"]
        return records


def told(record: dict[str, Any]) -> tuple[str, bytes]:
    return record["PartitionKey"], record["Data"]


def test_an_identical_put_record_is_a_second_record(streams: Any) -> None:
    """S-55: with the same key and the same data, and a number that is higher."""
    stream = Stream(streams)
    answers = [stream.put("todo-1", '{"intent": "todo-1/1"}') for _ in range(3)]
    assert {answer["ShardId"] for answer in answers} == {"shardId-000000000000"}
    records = stream.read("shardId-000000000000")
    numbers = [answer["SequenceNumber"] for answer in answers]
    assert [record["SequenceNumber"] for record in records] == numbers == sorted(set(numbers), key=int)
    assert [told(record) for record in records] == [("todo-1", b'{"intent": "todo-1/1"}')] * 3


def test_answers_have_the_same_fields(streams: Any) -> None:
    """Also the event that Lambda makes of a record."""
    stream = Stream(streams)
    answer = stream.put("a")
    answer.pop("ResponseMetadata")
    assert set(answer) - {"EncryptionType"} == {"ShardId", "SequenceNumber"}
    (shard,) = stream.shards()
    assert set(shard) == {"ShardId", "HashKeyRange", "SequenceNumberRange"}
    (record,) = stream.read(shard["ShardId"])
    assert {*record, "EncryptionType"} == {
        *("SequenceNumber", "ApproximateArrivalTimestamp", "Data", "PartitionKey", "EncryptionType")
    }
    arn = SOURCES["kinesis"].stream_arn(lambda service: streams, stream.name)
    assert arn == f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream.name}"
    event = SOURCES["kinesis"].to_record(record, arn, shard["ShardId"]).event
    assert event["eventID"].startswith("shardId-000000000000:")


def test_the_partition_key_chooses_the_shard(streams: Any) -> None:
    """S-59: one and the same on both, for every key, and in order within it."""
    stream = Stream(streams, shards=3)
    chosen = [stream.put(f"todo-{number}")["ShardId"][-1] for number in range(12)]
    assert "".join(chosen) == "021100110002"
    assert [shard["ShardId"][-1] for shard in stream.shards()] == ["0", "1", "2"]
    for shard in stream.shards():
        keys = [f"todo-{n}" for n, place in enumerate(chosen) if place == shard["ShardId"][-1]]
        assert [record["PartitionKey"] for record in stream.read(shard["ShardId"])] == keys


def test_positions_by_number_and_the_latest(streams: Any) -> None:
    """At a record, after it, and at what comes next; the page after the last one is empty and goes on."""
    stream, shard = Stream(streams), "shardId-000000000000"
    numbers = [stream.put("a", text)["SequenceNumber"] for text in "123"]
    at = stream.read(shard, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    after = stream.read(shard, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    assert ([told(r)[1] for r in at], [told(r)[1] for r in after]) == ([b"2", b"3"], [b"3"])
    latest = stream.iterator(shard, "LATEST")
    empty = streams.get_records(ShardIterator=latest)
    stream.put("a", "4")
    page = streams.get_records(ShardIterator=empty["NextShardIterator"])
    assert (empty["Records"], [told(r)[1] for r in page["Records"]]) == ([], [b"4"])
    assert (empty["MillisBehindLatest"], page["MillisBehindLatest"]) == (0, 0)


def test_a_page_has_as_many_records_as_it_is_told(streams: Any) -> None:
    """And the next one goes on behind them."""
    stream, shard = Stream(streams), "shardId-000000000000"
    for number in range(5):
        stream.put("a", str(number))
    first = streams.get_records(ShardIterator=stream.iterator(shard), Limit=3)
    rest = streams.get_records(ShardIterator=first["NextShardIterator"], Limit=3)
    assert [[told(record)[1] for record in page["Records"]] for page in (first, rest)] == [
        [b"0", b"1", b"2"],
        [b"3", b"4"],
    ]


@pytest.mark.parametrize(
    "operation, parameters, code",
    [
        ("describe_stream_summary", {"StreamName": "None"}, "ResourceNotFoundException"),
        ("put_record", {"StreamName": "None", "PartitionKey": "a", "Data": b""}, "ResourceNotFoundException"),
        ("list_shards", {"StreamName": "None"}, "ResourceNotFoundException"),
    ],
)
def test_refusals_have_the_same_name(streams: Any, operation: str, parameters: dict[str, Any], code: str) -> None:
    """A stream that is not there."""
    with pytest.raises(ClientError) as refused:
        getattr(streams, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
