"""botocore answered by an empty stub: what a call costs when nothing is behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from harness.agent.wire import Raw
from harness.workload.base import item_of
from harness.workload.items import Change

HEADERS = {"content-type": "application/x-amz-json-1.0"}
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
    """So many Query calls on one partition."""
    condition = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": ITEM["id"]}}
    for _ in range(calls):
        client.query(TableName=table, **condition)


def transactions(client: Any, table: str, calls: int) -> None:
    """So many TransactWriteItems calls of two puts."""
    for number in range(calls):
        written = [{**ITEM, "id": {"S": id}, "note": {"S": str(number)}} for id in ("one", "two")]
        client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}} for item in written])


KINDS = {
    "a PutItem": puts,
    "a conditional UpdateItem": updates,
    "a Query of one item": queries,
    "a TransactWriteItems of two": transactions,
}


def seconds_on_stub(calls: int, call: Callable[[Any, str, int], None] = puts) -> float:
    client = _client()
    began = time.perf_counter()
    call(client, "Todos", calls)
    return time.perf_counter() - began


@cache
def _client() -> Any:
    client = boto3.Session("access", "secret", region_name="us-east-1").client("dynamodb")
    client.meta.events.register("before-send", _answer)
    return client


def _answer(request: Any, **_: Any) -> AWSResponse:
    return AWSResponse(request.url, 200, HEADERS, Raw(b"{}"))
