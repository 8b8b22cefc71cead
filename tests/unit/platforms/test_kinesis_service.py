"""The embedded Kinesis: what needs a clock, several shards, or a size that no test sends to a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.platforms.base import Request
from harness.platforms.embedded.services.kinesis import Kinesis

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
DATA = base64.b64encode(b'{"intent": "todo-1/1"}').decode()


class Bench:
    """One stream, with a clock that the test sets."""

    def __init__(self, shards: int = 1, seed: int = 1) -> None:
        self.time = 1_700_000_000 * SECOND + 123_456
        self.appended: list[str] = []
        self.kinesis = Kinesis(lambda: self.time, Seed(seed), self.appended.append)
        assert self.call("CreateStream", StreamName="Todos", ShardCount=shards) == {}

    def call(self, operation: str, **body: Any) -> Any:
        request = Request("kinesis", operation, "POST", "", {}, json.dumps(body).encode())
        return json.loads(self.kinesis.handle(request).body)

    def put(self, key: str = "todo-1", data: str = DATA, **more: Any) -> Any:
        return self.call("PutRecord", StreamName="Todos", PartitionKey=key, Data=data, **more)

    def iterator(self, shard: str = "shardId-000000000000", kind: str = "TRIM_HORIZON", **more: Any) -> Any:
        answer = self.call("GetShardIterator", StreamName="Todos", ShardId=shard, ShardIteratorType=kind, **more)
        return answer.get("ShardIterator", answer)

    def read(self, iterator: str | None = None, **more: Any) -> Any:
        return self.call("GetRecords", ShardIterator=iterator or self.iterator(), **more)


def test_an_identical_put_record_is_a_second_record() -> None:
    """Same key, same data, another sequence number: nothing tells the service that it is a repetition (S-55)."""
    bench = Bench()
    first, second = bench.put(), bench.put()
    records = bench.read()["Records"]
    assert first["ShardId"] == second["ShardId"] == "shardId-000000000000"
    assert [record["SequenceNumber"] for record in records] == [first["SequenceNumber"], second["SequenceNumber"]]
    assert int(first["SequenceNumber"]) < int(second["SequenceNumber"])
    assert {len(record["SequenceNumber"]) for record in records} == {56}
    assert [(record["PartitionKey"], record["Data"]) for record in records] == [("todo-1", DATA)] * 2
    assert bench.appended == ["shardId-000000000000"] * 2


def test_the_partition_key_chooses_the_shard() -> None:
    """By its MD5, among equal parts of all hash keys; an explicit hash key comes before it (S-59)."""
    bench = Bench(shards=4)
    shards = bench.call("ListShards", StreamName="Todos")["Shards"]
    ends = [int(shard["HashKeyRange"]["EndingHashKey"]) for shard in shards]
    assert [int(shard["HashKeyRange"]["StartingHashKey"]) for shard in shards] == [0, *(end + 1 for end in ends[:-1])]
    assert ends[-1] == 2**128 - 1
    for number, end in enumerate(ends):
        assert bench.put(ExplicitHashKey=str(end))["ShardId"] == f"shardId-{number:012d}"
    # MD5 of "a" begins with 0c, of "b" with 92, of "c" with 4a.
    assert [bench.put(key)["ShardId"][-1] for key in "abca"] == ["0", "2", "1", "0"]


def test_shards_are_listed_page_by_page() -> None:
    """After the last one of a page, until no token says that there are more."""
    bench = Bench(shards=3)
    page = bench.call("ListShards", StreamName="Todos", MaxResults=2)
    rest = bench.call("ListShards", StreamName="Todos", ExclusiveStartShardId=page["Shards"][-1]["ShardId"])
    assert [shard["ShardId"][-1] for shard in (*page["Shards"], *rest["Shards"])] == ["0", "1", "2"]
    assert "NextToken" in page
    assert "NextToken" not in rest


def test_an_iterator_lives_five_minutes() -> None:
    """Then it has expired (S-59)."""
    bench = Bench()
    bench.put()
    iterator = bench.iterator()
    bench.time += 5 * MINUTE - 1
    assert len(bench.read(iterator)["Records"]) == 1
    bench.time += 1
    assert bench.read(iterator)["__type"] == "ExpiredIteratorException"


def test_what_is_older_than_a_day_is_passed_over_without_a_word() -> None:
    """A position in it leads to the oldest record that is left (S-59)."""
    bench = Bench()
    old = bench.put()["SequenceNumber"]
    bench.time += 24 * HOUR - MINUTE
    iterator = bench.iterator()
    young = bench.put()["SequenceNumber"]
    bench.time += 2 * MINUTE
    for place in (iterator, bench.iterator(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=old)):
        assert [record["SequenceNumber"] for record in bench.read(place)["Records"]] == [young]


def test_a_reader_learns_how_far_it_is_behind() -> None:
    """Zero at the end of the shard, and never where there is more to read."""
    bench = Bench()
    bench.put()
    bench.put()
    bench.time += 3 * SECOND
    page = bench.read(Limit=1)
    assert (len(page["Records"]), page["MillisBehindLatest"]) == (1, 3000)
    page = bench.read(page["NextShardIterator"])
    assert (len(page["Records"]), page["MillisBehindLatest"]) == (1, 0)
    assert bench.read(page["NextShardIterator"])["Records"] == []


@pytest.mark.parametrize("data", ["x" * 900_000, "x" * 1_048_571])
def test_a_page_has_ten_mebibytes_at_most(data: str) -> None:
    """And one record at least; a record with its key has one MiB at most (S-59)."""
    bench = Bench()
    for _ in range(12):
        bench.put("todo", base64.b64encode(data.encode()).decode())
    assert len(bench.read()["Records"]) == 10 * 2**20 // (len(data) + 4)
    too_long = base64.b64encode(b"x" * (2**20 - 3)).decode()
    assert bench.put("todo", too_long)["__type"] == "InvalidArgumentException"


@pytest.mark.parametrize(
    "operation, body, code",
    [
        ("CreateStream", {"StreamName": "Todos", "ShardCount": 1}, "ResourceInUseException"),
        ("DescribeStreamSummary", {"StreamName": "Other"}, "ResourceNotFoundException"),
        ("PutRecord", {"StreamName": "Other", "PartitionKey": "a", "Data": DATA}, "ResourceNotFoundException"),
        ("PutRecord", {"StreamName": "Todos", "PartitionKey": "", "Data": DATA}, "InvalidArgumentException"),
        ("PutRecord", {"StreamName": "Todos", "PartitionKey": "a" * 257, "Data": DATA}, "InvalidArgumentException"),
        ("GetRecords", {"ShardIterator": "none"}, "InvalidArgumentException"),
    ],
)
def test_what_aws_refuses_is_refused(operation: str, body: dict[str, Any], code: str) -> None:
    """Under the name that botocore knows for it."""
    assert Bench().call(operation, **body)["__type"] == code


def test_positions_and_limits_that_make_no_sense_are_refused() -> None:
    """As are shards that are not there."""
    bench = Bench()
    assert bench.iterator("shardId-1")["__type"] == "ResourceNotFoundException"
    assert bench.iterator(kind="AT_TIMESTAMP")["__type"] == "InvalidArgumentException"
    assert bench.iterator(kind="AT_SEQUENCE_NUMBER")["__type"] == "InvalidArgumentException"
    assert bench.read(Limit=10_001)["__type"] == "InvalidArgumentException"


@pytest.mark.parametrize(
    "operation, body, told",
    [
        ("SplitShard", {}, "kinesis.SplitShard is not imitated"),
        ("SubscribeToShard", {}, "kinesis.SubscribeToShard is not imitated"),
        ("MergeShards", {}, "kinesis.MergeShards is not imitated"),
        ("PutRecord", {"DryRun": True}, "DryRun of kinesis.PutRecord is not imitated"),
    ],
)
def test_what_is_not_imitated_says_so(operation: str, body: dict[str, Any], told: str) -> None:
    """By its name: a call, or one parameter of it."""
    with pytest.raises(NotImitated, match=told):
        Bench().call(operation, **body)
