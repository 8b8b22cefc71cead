"""One DynamoDB with its streams, embedded or local, behind real boto3 clients."""

from __future__ import annotations

import itertools
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from service_hook import hook

from harness.faults.points import Seed
from harness.platforms.base import Service
from harness.platforms.embedded.services.dynamodb import DynamoDB
from harness.platforms.embedded.services.kinesis import Kinesis
from harness.platforms.embedded.services.streams import Streams

FIRST_MOMENT_MICROSECONDS = 1_700_000_000_123_456
READ_SECONDS = 20
KEY_SCHEMA = [{"AttributeName": "id", "KeyType": "HASH"}]
KEY_TYPES = [{"AttributeName": "id", "AttributeType": "S"}]

_session = boto3.Session("access", "secret", region_name="us-east-1")
_tables = itertools.count()


class Database:
    """`platform` is embedded or local; `writes` and `reads` are the clients dynamodb and dynamodbstreams."""

    def __init__(self, platform: str, writes: Any, reads: Any) -> None:
        self.platform = platform
        self.writes = writes
        self.reads = reads

    def table(self, view_type: str | None = "NEW_AND_OLD_IMAGES") -> Table:
        """A new table; `view_type` None for one without a stream."""
        name = f"Todos{next(_tables)}"
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view_type}} if view_type else {}
        self.writes.create_table(
            TableName=name,
            KeySchema=KEY_SCHEMA,
            AttributeDefinitions=KEY_TYPES,
            BillingMode="PAY_PER_REQUEST",
            **stream,
        )
        return Table(self, name)


class Table:
    """Short forms of the calls on one table. Items are written as the wire has them, without the type of `id`."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.name = name
        self._sentinels = itertools.count()

    def put(self, id: str, more: dict[str, Any] | None = None, **parameters: Any) -> Any:
        return self.database.writes.put_item(TableName=self.name, Item=item(id, more), **parameters)

    def update(self, id: str, expression: str | None = None, **parameters: Any) -> Any:
        if expression is not None:
            parameters["UpdateExpression"] = expression
        return self.database.writes.update_item(TableName=self.name, Key=item(id), **parameters)

    def delete(self, id: str, **parameters: Any) -> Any:
        return self.database.writes.delete_item(TableName=self.name, Key=item(id), **parameters)

    def get(self, id: str, **parameters: Any) -> Any:
        return self.database.writes.get_item(TableName=self.name, Key=item(id), **parameters).get("Item")

    def scan(self) -> list[Any]:
        return sorted(self.database.writes.scan(TableName=self.name)["Items"], key=lambda found: found["id"]["S"])

    def action(self, kind: str, id: str, more: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
        """One action of a transaction: Put, Update, Delete or ConditionCheck."""
        target = {"Item": item(id, more)} if kind == "Put" else {"Key": item(id)}
        return {kind: {"TableName": self.name, **target, **parameters}}

    def transact(self, *actions: dict[str, Any], **parameters: Any) -> Any:
        return self.database.writes.transact_write_items(TransactItems=list(actions), **parameters)

    def stream_arn(self) -> str:
        arn: str = self.database.writes.describe_table(TableName=self.name)["Table"]["LatestStreamArn"]
        return arn

    def shard_id(self) -> str:
        description = self.database.reads.describe_stream(StreamArn=self.stream_arn())["StreamDescription"]
        (shard,) = description["Shards"]
        return str(shard["ShardId"])

    def iterator(self, type: str = "TRIM_HORIZON", **parameters: Any) -> str:
        found = self.database.reads.get_shard_iterator(
            StreamArn=self.stream_arn(), ShardId=self.shard_id(), ShardIteratorType=type, **parameters
        )
        return str(found["ShardIterator"])

    def records(self) -> list[Any]:
        """Every record of the stream so far: a sentinel is written, and the stream is read until it appears."""
        sentinel = f"sentinel/{next(self._sentinels)}"
        self.put(sentinel)
        found: list[Any] = []
        iterator = self.iterator()
        deadline = time.monotonic() + READ_SECONDS
        while time.monotonic() < deadline:
            page = self.database.reads.get_records(ShardIterator=iterator)
            found += page["Records"]
            if any(record["dynamodb"]["Keys"] == item(sentinel) for record in page["Records"]):
                return [record for record in found if not _id(record).startswith("sentinel/")]
            iterator = page["NextShardIterator"]
        raise AssertionError(f"the record of {sentinel} did not come in {READ_SECONDS} s")

    def names(self) -> list[str]:
        """The event names of all records."""
        return [record["eventName"] for record in self.records()]


def embedded() -> Database:
    """A database of its own, with a clock that goes on by a millisecond whenever it is read."""
    ticks = itertools.count(FIRST_MOMENT_MICROSECONDS, 1000)
    streams = Streams(lambda: next(ticks), Seed(7))
    services: dict[str, Service] = {
        "dynamodb": DynamoDB(lambda: next(ticks), Seed(7), streams),
        "dynamodbstreams": streams,
    }
    return Database("embedded", *(_hooked(name, service) for name, service in services.items()))


def embedded_kinesis() -> Any:
    ticks = itertools.count(FIRST_MOMENT_MICROSECONDS, 1000)
    return _hooked("kinesis", Kinesis(lambda: next(ticks), Seed(7)))


def local(endpoint: str) -> Database:
    return Database("local", *(client(name, endpoint) for name in ("dynamodb", "dynamodbstreams")))


def client(service: str, endpoint: str | None = None) -> Any:
    return _session.client(service, config=_config(), endpoint_url=endpoint)


def _hooked(name: str, service: Service) -> Any:
    made = client(name)
    made.meta.events.register("before-send", hook(name, service))
    return made


def item(id: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"id": {"S": id}, **(more or {})}


def refusal(call: Any, *arguments: Any, **parameters: Any) -> dict[str, Any]:
    """The parsed error of a call that must be refused."""
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        response: dict[str, Any] = error.response
        return response
    raise AssertionError("the call was not refused")


def code(response: dict[str, Any]) -> str:
    return str(response["Error"]["Code"])


def _id(record: Any) -> str:
    return str(record["dynamodb"]["Keys"]["id"]["S"])


def _config() -> Config:
    return Config(retries={"total_max_attempts": 1}, parameter_validation=False)


def indexed_table(client: Any) -> None:
    """Makes `Table` with the key `p`, and the index `keys` on `g` that holds keys alone."""
    client.create_table(
        TableName="Table",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pg"],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "keys",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
