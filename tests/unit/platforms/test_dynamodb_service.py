"""The embedded DynamoDB: time, determinism, and what it refuses; what it answers is in tests/conformance."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.platforms.base import Request
from harness.platforms.embedded.services.dynamodb import DynamoDB
from harness.platforms.embedded.services.streams import Streams

MINUTE = 60 * 1_000_000


class Bench:
    """A database with one table, and a clock that the test sets."""

    def __init__(self, seed: int = 1) -> None:
        self.time = 1_700_000_000_123_456
        self.streams = Streams(lambda: self.time, Seed(seed))
        self.database = DynamoDB(lambda: self.time, Seed(seed), self.streams)
        self.replies: list[bytes] = []
        self.call(
            "CreateTable",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )

    def call(self, operation: str, **body: Any) -> Any:
        if not {"RequestItems", "TransactItems", "Statement"} & set(body):
            body = {"TableName": "Todos", **body}
        return self._answer("dynamodb", self.database, operation, body)

    def read(self, operation: str, **body: Any) -> Any:
        return self._answer("dynamodbstreams", self.streams, operation, body)

    def get(self, id: str) -> Any:
        return self.call("GetItem", Key={"id": {"S": id}}).get("Item")

    def count(self, token: str) -> Any:
        """Adds one to the item `t`, under the token."""
        update = {
            "TableName": "Todos",
            "Key": {"id": {"S": "t"}},
            "UpdateExpression": "ADD c :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        return self.call("TransactWriteItems", TransactItems=[{"Update": update}], ClientRequestToken=token)

    def names(self) -> list[str]:
        arn = self.call("DescribeTable")["Table"]["LatestStreamArn"]
        (shard,) = self.read("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        position = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        page = self.read("GetRecords", ShardIterator=self.read("GetShardIterator", **position)["ShardIterator"])
        return [record["eventName"] for record in page["Records"]]

    def _answer(self, name: str, service: Any, operation: str, body: Any) -> Any:
        reply = service.handle(Request(name, operation, "POST", "", {}, json.dumps(body).encode()))
        self.replies.append(reply.body)
        return json.loads(reply.body)


def test_a_token_is_forgotten_ten_minutes_after_completion() -> None:
    """S-15, S-16: a replay up to then is without effect and does not prolong it; then the same token counts again."""
    bench = Bench()
    bench.count("token")
    bench.time += 10 * MINUTE - 1
    bench.count("token")
    assert bench.get("t")["c"] == {"N": "1"}
    bench.time += 1
    bench.count("token")
    assert bench.get("t")["c"] == {"N": "2"}
    assert bench.names() == ["INSERT", "MODIFY"]


def test_a_replay_has_the_reply_of_the_first() -> None:
    """S-15: byte for byte, whatever happened since."""
    bench = Bench()
    bench.count("token")
    first = bench.replies[-1]
    bench.call("DeleteItem", Key={"id": {"S": "t"}})
    bench.count("token")
    assert bench.replies[-1] == first
    assert bench.get("t") is None


def test_two_databases_share_nothing() -> None:
    """Runs in one process do not see each other's tables or items."""
    first, second = Bench(), Bench()
    first.call("PutItem", Item={"id": {"S": "t"}})
    assert second.get("t") is None
    assert second.names() == []


def _play() -> str:
    """The digest of all replies of a run that uses every call, and every source of chance and order."""
    bench = Bench(seed=3)
    bench.call("PutItem", Item={"id": {"S": "a"}, "s": {"SS": ["b", "a", "c"]}, "name": {"S": "x"}})
    add = {":v": {"SS": ["e", "d"]}}
    bench.call(
        "UpdateItem", Key={"id": {"S": "a"}}, UpdateExpression="ADD s :v", ExpressionAttributeValues=add,
        ReturnValues="UPDATED_NEW",
    )  # fmt: skip
    projected = {"ProjectionExpression": "s, #n", "ExpressionAttributeNames": {"#n": "name"}}
    bench.call("GetItem", Key={"id": {"S": "a"}}, **projected)
    bench.call("Scan", **projected)
    bench.call("BatchGetItem", RequestItems={"Todos": {"Keys": [{"id": {"S": "a"}}], **projected}})
    bench.call("ExecuteStatement", Statement='SELECT * FROM "Todos"')
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("x", "y", "z")]
    key_schema = [{"AttributeName": "id", "KeyType": "HASH"}]
    bench.call("CreateTable", TableName="Wrong", KeySchema=key_schema, AttributeDefinitions=attributes)
    bench.count("token")
    bench.call("DeleteItem", Key={"id": {"S": "a"}}, ConditionExpression="attribute_exists(gone)")
    bench.names()
    return hashlib.sha256(b"\n".join(bench.replies)).hexdigest()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_calls_give_the_same_bytes(hash_seed: str) -> None:
    """Twice the same calls, byte-equal replies: also in another process, with another order of Python's sets."""
    folder = os.path.dirname(__file__)
    program = f"import sys; sys.path.insert(0, {folder!r}); import test_dynamodb_service as t; print(t._play())"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    other = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == _play() == _play()


def test_nothing_of_moto_is_loaded() -> None:
    """Importing the service loads no other imitation of AWS."""
    program = "import sys, harness.platforms.embedded.services.dynamodb; print('moto' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "False"


_KEYED = {
    "TableName": "Other",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


@pytest.mark.parametrize(
    "operation, body, named",
    [
        ("CreateBackup", {}, "dynamodb.CreateBackup"),
        ("CreateTable", {**_KEYED, "SSESpecification": {"Enabled": True}}, "SSESpecification"),
        ("UpdateTable", {"SSESpecification": {"Enabled": True}}, "SSESpecification"),
        ("UpdateTimeToLive", {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "x"}}, "UpdateTimeToLive"),
    ],
)
def test_what_is_not_imitated_is_named(operation: str, body: Any, named: str) -> None:
    """No guessing: the operation or parameter is in the message, and nothing has changed."""
    bench = Bench()
    with pytest.raises(NotImitated, match=named):
        bench.call(operation, **body)
    assert bench.call("Scan")["Items"] == []


def test_records_keep_what_they_recorded() -> None:
    """A later change of the item does not reach the images of earlier records."""
    bench = Bench()
    bench.call("PutItem", Item={"id": {"S": "t"}, "m": {"M": {"s": {"SS": ["a"]}}}})
    for element in ("b", "c"):
        values = {":v": {"SS": [element]}}
        bench.call(
            "UpdateItem", Key={"id": {"S": "t"}}, UpdateExpression="ADD m.s :v", ExpressionAttributeValues=values
        )
    assert bench.get("t")["m"] == {"M": {"s": {"SS": ["a", "b", "c"]}}}
    assert bench.names() == ["INSERT", "MODIFY", "MODIFY"]
    images = [json.loads(bench.replies[-1])["Records"][i]["dynamodb"]["NewImage"]["m"]["M"]["s"] for i in range(3)]
    assert images == [{"SS": ["a"]}, {"SS": ["a", "b"]}, {"SS": ["a", "b", "c"]}]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("PutItem", {"Item": {"id": {"S": "t"}}, "Expected": {"v": 1}}),
        ("PutItem", {"Item": {"id": {"S": "t"}}, "Expected": {"v": {"ComparisonOperator": [], "Value": {"S": "x"}}}}),
        ("UpdateItem", {"Key": {"id": {"S": "t"}}, "AttributeUpdates": {"v": "x"}}),
        ("GetItem", {"Key": {"id": {"S": "t"}}, "AttributesToGet": [7]}),
        ("GetItem", {"Key": {"id": {"S": "t"}}, "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": 7}}),
        ("TransactWriteItems", {"TransactItems": [1]}),
        ("TransactGetItems", {"TransactItems": [None]}),
        ("BatchWriteItem", {"RequestItems": {"Todos": [{"PutRequest": []}]}}),
        ("BatchGetItem", {"RequestItems": {"Todos": "x"}}),
    ],
)
def test_a_member_of_another_type_is_refused(operation: str, body: Any) -> None:
    """However deep it is in the request, the answer is an error of DynamoDB and none of Python."""
    answer = Bench().call(operation, **body)
    assert answer["__type"].endswith("SerializationException")
