"""botocore answered by an empty stub: what a call costs when nothing is behind it."""

from __future__ import annotations

import time
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


def seconds_on_stub(calls: int) -> float:
    client = _client()
    began = time.perf_counter()
    puts(client, "Todos", calls)
    return time.perf_counter() - began


@cache
def _client() -> Any:
    client = boto3.Session("access", "secret", region_name="us-east-1").client("dynamodb")
    client.meta.events.register("before-send", _answer)
    return client


def _answer(request: Any, **_: Any) -> AWSResponse:
    return AWSResponse(request.url, 200, HEADERS, Raw(b"{}"))
