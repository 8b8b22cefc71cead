"""botocore answered by a stub: what a call costs when nothing is behind it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from harness.agent.wire import Raw
from harness.workload.base import item_of
from harness.workload.items import Change

HEADERS = {"content-type": "application/x-amz-json-1.0"}
TEN = "Ten"
ITEM = item_of(Change("todo-1", 1, "buy milk"), "first")


def puts(client: Any, table: str, calls: int) -> None:
    """So many PutItem calls, each of another note."""
    for number in range(calls):
        client.put_item(TableName=table, Item={**ITEM, "note": {"S": str(number)}})


def updates(client: Any, table: str, calls: int) -> None:
    """So many conditional UpdateItem calls on one item, of which all hold."""
    for number in range(calls):
        client.update_item(
            TableName=table,
            Key={"id": ITEM["id"]},
            UpdateExpression="SET note = :note, version = if_not_exists(version, :zero) + :one",
            ConditionExpression="attribute_not_exists(note) OR note <> :note",
            ExpressionAttributeValues={":note": {"S": str(number)}, ":zero": {"N": "0"}, ":one": {"N": "1"}},
        )


def queries(client: Any, table: str, calls: int) -> None:
    """So many Query calls on one partition of another table, which has ten items."""
    condition = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": ITEM["id"]}}
    for _ in range(calls):
        client.query(TableName=TEN, **condition)


def transactions(client: Any, table: str, calls: int) -> None:
    """So many TransactWriteItems calls of two puts."""
    for number in range(calls):
        written = [{**ITEM, "id": {"S": id}, "note": {"S": str(number)}} for id in ("one", "two")]
        client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}} for item in written])


KINDS = {
    "a PutItem": puts,
    "a conditional UpdateItem": updates,
    "a Query of ten items": queries,
    "a TransactWriteItems of two": transactions,
}


EMPTY = b"{}"
_ITEMS = [{**ITEM, "number": {"N": str(number)}} for number in range(10)]
ANSWERS = {"a Query of ten items": json.dumps({"Items": _ITEMS, "Count": 10, "ScannedCount": 10}).encode()}


def seconds_on_stub(calls: int, call: Callable[[Any, str, int], None] = puts, answer: bytes = EMPTY) -> float:
    client = _client(answer)
    began = time.perf_counter()
    call(client, "Todos", calls)
    return time.perf_counter() - began


@cache
def _client(answer: bytes) -> Any:
    client = boto3.Session("access", "secret", region_name="us-east-1").client("dynamodb")
    client.meta.events.register("before-send", partial(_answered, answer))
    return client


def _answered(answer: bytes, request: Any, **_: Any) -> AWSResponse:
    return AWSResponse(request.url, 200, HEADERS, Raw(answer))
