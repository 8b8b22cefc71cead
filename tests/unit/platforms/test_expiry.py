"""Time to live: what is deleted, when, and by whom (S-52)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.faults.points import Seed
from harness.platforms.base import Request
from harness.platforms.embedded.services.dynamodb import DynamoDB
from harness.platforms.embedded.services.streams import Streams
from harness.platforms.embedded.services.tables import MOST_LATE

SECOND = 1_000_000
HOUR = 3600 * SECOND


class Bench:
    """A database with one table that has a time to live, and a clock that the test moves."""

    def __init__(self) -> None:
        self.time = 1_700_000_000 * SECOND
        self.due: list[tuple[int, Callable[[], None]]] = []
        streams = Streams(lambda: self.time, Seed(1))
        self.streams = streams
        self.database = DynamoDB(lambda: self.time, Seed(1), streams, self.later)
        self.call(
            "CreateTable",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.call("UpdateTimeToLive", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})

    def later(self, delay: int, action: Callable[[], None]) -> None:
        self.due.append((self.time + delay, action))

    def call(self, operation: str, **body: Any) -> Any:
        request = Request("dynamodb", operation, "POST", "/", {}, json.dumps({"TableName": "Table", **body}).encode())
        return json.loads(self.database.handle(request).body)

    def put(self, seconds: float | None, kind: str = "N", **more: Any) -> None:
        ends = {} if seconds is None else {"ends": {kind: str(int(self.time / SECOND + seconds))}}
        self.call("PutItem", Item={"id": {"S": "a"}, **ends, **more})

    def wait(self, microseconds: int) -> None:
        end = self.time + microseconds
        for time, action in sorted(self.due, key=lambda pair: pair[0]):
            if time <= end:
                self.time = time
                action()
        self.due = [(time, action) for time, action in self.due if time > end]
        self.time = end

    def items(self) -> list[Any]:
        found: list[Any] = self.call("Scan")["Items"]
        return found

    def records(self) -> list[Any]:
        arn = self.call("DescribeTable")["Table"]["LatestStreamArn"]
        (shard,) = self.of_stream("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = self.of_stream("GetShardIterator", **place)["ShardIterator"]
        records: list[Any] = self.of_stream("GetRecords", ShardIterator=iterator)["Records"]
        return records

    def of_stream(self, operation: str, **body: Any) -> Any:
        request = Request("dynamodbstreams", operation, "POST", "/", {}, json.dumps(body).encode())
        return json.loads(self.streams.handle(request).body)


def test_an_expired_item_is_there_until_it_is_deleted_by_the_service() -> None:
    """Readable at its end and for a while after it; then a REMOVE with its old image, and with who did it."""
    bench = Bench()
    bench.put(60)
    bench.wait(60 * SECOND)
    assert len(bench.items()) == 1
    bench.wait(MOST_LATE)
    assert bench.items() == []
    put, removed = bench.records()
    assert (put["eventName"], removed["eventName"]) == ("INSERT", "REMOVE")
    assert "userIdentity" not in put
    assert removed["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert removed["dynamodb"]["OldImage"] == put["dynamodb"]["NewImage"]


@pytest.mark.parametrize("seconds, kind", [(None, "N"), (60, "S"), (3 * 86_400, "N")])
def test_an_item_without_an_end_stays(seconds: float | None, kind: str) -> None:
    """No attribute, one that is no number, or an end beyond what a run waits for."""
    bench = Bench()
    bench.put(seconds, kind)
    bench.wait(24 * HOUR)
    assert len(bench.items()) == 1


@pytest.mark.parametrize("again, left", [(None, 1), (10 * 3600, 1), (60, 0)])
def test_the_last_write_says_when_it_ends(again: float | None, left: int) -> None:
    """An end that was taken away, or moved, does not count any more; the same one does."""
    bench = Bench()
    bench.put(60)
    bench.put(again, n={"N": "1"})
    bench.wait(2 * HOUR)
    assert len(bench.items()) == left


def test_what_is_gone_already_leaves_no_second_record() -> None:
    """Somebody else had deleted it."""
    bench = Bench()
    bench.put(60)
    bench.call("DeleteItem", Key={"id": {"S": "a"}})
    bench.wait(2 * HOUR)
    assert [record.get("userIdentity") for record in bench.records()] == [None, None]


def test_a_time_to_live_is_described_and_can_be_disabled() -> None:
    """It can be read back; enabling it twice is an error of AWS; after it was disabled nothing expires."""
    bench = Bench()
    described = bench.call("DescribeTimeToLive")["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    wanted = {"Enabled": True, "AttributeName": "ends"}
    twice = bench.call("UpdateTimeToLive", TimeToLiveSpecification=wanted)
    assert "already enabled" in json.dumps(twice)
    bench.put(60)
    bench.call("UpdateTimeToLive", TimeToLiveSpecification={**wanted, "Enabled": False})
    bench.wait(2 * HOUR)
    assert len(bench.items()) == 1
