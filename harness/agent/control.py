"""The experiment's own table in the account: the plan, the tickets, and the history that functions leave.

It is reached by a client whose calls are marked as the experiment's own: the wire lets them through untouched.

| id | attributes |
| plan | body: the plan, as JSON; environments: how many have read it |
| fault#<index> | matched, fired: counts; healed: whether it is over |
| history#<source>#<number> | body: operations from that number on, as a JSON list |
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError

from harness.faults.actions import FUNCTION
from harness.faults.base import Fault
from harness.faults.nemesis import LocalTickets

# Of one item, whose limit is 400 KB: few large items are read many times as fast as many small ones.
_MAX_BODY_CHARACTERS = 50_000
PLAN = "plan"
_own: ContextVar[bool] = ContextVar("own", default=False)


@contextmanager
def own_calls() -> Iterator[None]:
    """What is called inside belongs to the harness, not to the experiment."""
    token = _own.set(True)
    try:
        yield
    finally:
        _own.reset(token)


def is_own() -> bool:
    return _own.get()


class Control:
    """`client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self.table = table

    def create(self) -> None:
        with own_calls():
            self._client.create_table(
                TableName=self.table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                Tags=[{"Key": "harness", "Value": "run"}],
            )
            self._client.get_waiter("table_exists").wait(TableName=self.table, WaiterConfig={"Delay": 1})

    def delete(self) -> None:
        """Whether or not it is there."""
        with own_calls(), suppress(self._client.exceptions.ResourceNotFoundException):
            self._client.delete_table(TableName=self.table)

    def put(self, id: str, body: Any) -> None:
        with own_calls():
            self._client.put_item(TableName=self.table, Item=_item(id, body))

    def read_plan(self) -> tuple[Any, int]:
        """The plan, and the number of the environment that reads it, from 1. One call: each cold start waits for it."""
        with own_calls():
            answer = self._client.update_item(
                TableName=self.table,
                Key={"id": {"S": PLAN}},
                UpdateExpression="ADD environments :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
                ReturnValues="ALL_NEW",
            )
        item = answer["Attributes"]
        return json.loads(item["body"]["S"]), int(item["environments"]["N"])

    def count(self, id: str, attribute: str, condition: str = "", **values: Any) -> int:
        """Adds one and returns how many that makes; 0 when the condition does not hold."""
        arguments: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        with own_calls():
            try:
                answer = self._client.update_item(
                    TableName=self.table,
                    Key={"id": {"S": id}},
                    UpdateExpression=f"ADD {attribute} :one",
                    ExpressionAttributeValues={":one": {"N": "1"}, **values},
                    ReturnValues="UPDATED_NEW",
                    **arguments,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                    return 0
                raise
        return int(answer["Attributes"][attribute]["N"])

    def append(self, source: str, first: int, operations: Sequence[dict[str, Any]]) -> None:
        """Writes operations of one source, numbered from `first`; returns when all are stored."""
        for part in _parts(operations):
            self.put(_history_id(source, first), part)
            first += len(part)

    def history(self) -> dict[str, dict[str, Any]]:
        """All operations that were left, by id, each source's in its order."""
        with own_calls():
            pages = self._client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
            items = [item for page in pages for item in page["Items"] if item["id"]["S"].startswith("history#")]
        found = {}
        for item in sorted(items, key=lambda item: item["id"]["S"]):
            _, source, first = item["id"]["S"].split("#")
            for number, operation in enumerate(json.loads(item["body"]["S"]), start=int(first)):
                found[_history_id(source, number)] = operation
        return found


class ControlTickets:
    """Tickets that any process with the control table can claim: each is one conditional write.

    A fault that never reaches the function is the harness's own affair: its tickets are in this process.
    """

    def __init__(self, control: Control, faults: Sequence[Fault]) -> None:
        self._control = control
        self._local = LocalTickets(len(faults))
        self._shared = [index for index, fault in enumerate(faults) if fault.reaches(FUNCTION)]
        self._matched: dict[int, int] = {}

    def match(self, fault: int) -> int:
        if fault not in self._shared:
            return self._local.match(fault)
        return self._control.count(f"fault#{fault}", "matched", "attribute_not_exists(healed)")

    def claim(self, fault: int, limit: int | None) -> bool:
        if fault not in self._shared:
            return self._local.claim(fault, limit)
        if limit is None:
            return bool(self._control.count(f"fault#{fault}", "fired"))
        condition = "attribute_not_exists(fired) OR fired < :limit"
        return bool(self._control.count(f"fault#{fault}", "fired", condition, **{":limit": {"N": str(limit)}}))

    def heal(self) -> None:
        self._local.heal()
        for fault in self._shared:
            self._control.count(f"fault#{fault}", "healed")
            self._matched[fault] = self._control.count(f"fault#{fault}", "matched") - 1

    def matched(self) -> list[int]:
        """As of when it was healed."""
        return [self._matched.get(fault, number) for fault, number in enumerate(self._local.matched())]


def _history_id(source: str, number: int) -> str:
    return f"history#{source}#{number:08d}"


def _parts(operations: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The operations in their order, cut into lists that an item has room for."""
    part: list[dict[str, Any]] = []
    room = _MAX_BODY_CHARACTERS
    for operation in operations:
        size = len(json.dumps(operation))
        if part and size > room:
            yield part
            part, room = [], _MAX_BODY_CHARACTERS
        part.append(operation)
        room -= size
    if part:
        yield part


def _item(id: str, body: Any) -> dict[str, Any]:
    return {"id": {"S": id}, "body": {"S": json.dumps(body, sort_keys=True)}}
