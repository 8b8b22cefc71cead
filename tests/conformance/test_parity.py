"""Any sequence of calls on the embedded service and on DynamoDB Local: the same answers, items and records.

`make parity` plays 10,000 sequences of its own choice; the gate plays the same 300 every time.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from calls import TABLES, sequences
from database import Database, embedded, local
from differences import explained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_NOT_TOLD = ("ResponseMetadata", "ConsumedCapacity")  # DynamoDB Local tells the capacity of a delete unasked
SEQUENCES = int(os.environ.get("PARITY", "300"))
MAX_PAGES = 30


class Player:
    """Plays sequences on one database, whose tables are emptied after each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._iterators: dict[str, str] = {}
        for name in TABLES:
            self._create(name)

    def _create(self, name: str) -> None:
        keys = [("id", "S", "HASH"), *([("sort", name[1], "RANGE")] if len(name) > 1 else [])]
        names = {name: kind for name, kind, _ in keys} | {"g": "S"} | ({"n": "N"} if len(name) > 1 else {})

        def index(index_name: str, partition: str, sort: str, **projection: Any) -> dict[str, Any]:
            schema = [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
            return {"IndexName": index_name, "KeySchema": schema, "Projection": projection}

        local_indexes = [index("lll", "id", "n", ProjectionType="ALL")] if len(name) > 1 else []
        self.database.writes.create_table(
            TableName=name * 3,
            KeySchema=[{"AttributeName": attribute, "KeyType": role} for attribute, _, role in keys],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": kind} for each, kind in names.items()],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            GlobalSecondaryIndexes=[index("ggg", "g", "id", ProjectionType="ALL")],
            **({"LocalSecondaryIndexes": local_indexes} if local_indexes else {}),
        )

    def play(self, table: str, calls: list[Any]) -> list[Any]:
        answers = [self._answer(operation, _in(table, parameters)) for operation, parameters in calls]
        answers.append(self._empty(table * 3))
        return [*answers, self._records(table * 3)]

    def _answer(self, operation: str, parameters: dict[str, Any]) -> Any:
        try:
            if operation in ("query", "scan"):
                return self._pages(operation, parameters)
            answer = getattr(self.database.writes, operation)(**parameters)
        except ClientError as error:
            reasons = [
                (each["Code"], plain(each.get("Item"))) for each in error.response.get("CancellationReasons", [])
            ]
            return error.response["Error"]["Code"], reasons, plain(error.response.get("Item"))
        told = {name: plain(content) for name, content in answer.items() if name not in _NOT_TOLD}
        if operation == "batch_get_item":
            told["Responses"] = {name: sorted(each, key=repr) for name, each in told["Responses"].items()}
        return told

    def _pages(self, operation: str, parameters: dict[str, Any]) -> Any:
        """Every page. A scan has no order, and an index none among equal keys: those are compared as a whole."""
        items: list[Any] = []
        counts: list[Any] = []
        for _ in range(MAX_PAGES):
            page = getattr(self.database.writes, operation)(**parameters)
            items += plain(page["Items"])
            counts.append((page["Count"], page["ScannedCount"]))
            if "LastEvaluatedKey" not in page:
                ordered = operation == "query" and "IndexName" not in parameters
                total = (sum(count for count, _ in counts), sum(scanned for _, scanned in counts))
                return (items, counts) if ordered else (sorted(items, key=repr), total)
            parameters = {**parameters, "ExclusiveStartKey": page["LastEvaluatedKey"]}
        raise AssertionError("the pages never end")

    def _empty(self, table: str) -> Any:
        """The items of the table, which are gone then."""
        items = sorted(self.database.writes.scan(TableName=table)["Items"], key=lambda item: repr(plain(item)))
        for item in items:
            key = {name: item[name] for name in ("id", "sort") if name in item}
            self.database.writes.delete_item(TableName=table, Key=key)
        return plain(items)

    def _records(self, table: str) -> list[Any]:
        """The records since the last time, up to the one of an item that is put and deleted now."""
        sentinel: dict[str, Any] = {"id": {"S": "sentinel"}}
        if table != "SSS":
            sentinel["sort"] = {"N": "0"} if table[1] == "N" else {"B": b"0"}
        self.database.writes.put_item(TableName=table, Item=sentinel)
        self.database.writes.delete_item(TableName=table, Key=sentinel)
        iterator = self._iterators.get(table) or self._iterator(table)
        records: list[Any] = []
        while not records or records[-1][:2] != ("REMOVE", plain(sentinel)):
            page = self.database.reads.get_records(ShardIterator=iterator)
            records += [_essence(record) for record in page["Records"]]
            iterator = page["NextShardIterator"]
        self._iterators[table] = iterator
        return records

    def _iterator(self, table: str) -> str:
        arn = self.database.writes.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        (shard,) = self.database.reads.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        return str(self.database.reads.get_shard_iterator(**place)["ShardIterator"])


def _in(table: str, parameters: Any) -> Any:
    """The parameters with the table's whole name, as a name has three letters at least."""
    if isinstance(parameters, list):
        return [_in(table, each) for each in parameters]
    if not isinstance(parameters, dict):
        return parameters
    whole = {name: _in(table, content) for name, content in parameters.items()}
    if whole.get("TableName") == table:
        whole["TableName"] = table * 3
    if "RequestItems" in whole:
        whole["RequestItems"] = {table * 3: whole["RequestItems"][table]}
    if "Statement" in whole:
        whole["Statement"] = whole["Statement"].replace(f" {table} ", f" {table * 3} ")
    return whole


def plain(content: Any) -> Any:
    """Answers in a form that can be compared: numbers by value, sets without order."""
    if isinstance(content, list):
        return [plain(each) for each in content]
    if not isinstance(content, dict):
        return content
    if len(content) == 1:
        ((kind, inner),) = content.items()
        if kind == "M" and inner == {}:
            return {}  # so DynamoDB Local has it in records
        if kind == "N" and isinstance(inner, str):
            return {"N": format(Decimal(inner).normalize(), "f")}
        if kind in ("SS", "NS", "BS") and isinstance(inner, list):
            return {kind: sorted(format(Decimal(e).normalize(), "f") if kind == "NS" else e for e in inner)}
    return {name: plain(inner) for name, inner in sorted(content.items())}


def _essence(record: Any) -> Any:
    change = record["dynamodb"]
    return (record["eventName"], *[plain(change.get(part)) for part in ("Keys", "OldImage", "NewImage")])


_players: dict[str, tuple[Player, Player]] = {}


def players(endpoint: str) -> tuple[Player, Player]:
    if endpoint not in _players:
        _players[endpoint] = (Player(embedded()), Player(local(endpoint)))
    return _players[endpoint]


@pytest.mark.parametrize("table", TABLES)
@settings(
    max_examples=SEQUENCES // len(TABLES),
    deadline=None,
    derandomize="PARITY" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_sequence_of_calls(local_endpoint: str, table: str, data: Any) -> None:
    """S-01 to S-37, S-54: answer by answer, item by item, record by record, but for the known differences."""
    calls = data.draw(sequences(table))
    mine, theirs = (player.play(table, calls) for player in players(local_endpoint))
    for call, ours, official in zip([*calls, "items", "records"], mine, theirs, strict=True):
        if ours != official:
            assert explained(call, ours, official), (call, ours, official)
            return  # from here on the two tables may hold different items
