"""The control table of a run, in the account: the plan, the tickets, and the history that functions leave.

Calls to it are marked as the harness's own, so that the wire neither records nor disturbs them.

| id | attributes |
| plan | body: the plan, as JSON; environments: how many have read it |
| fault#<index> | matched, fired: counts; healed: set once the faults have healed; <count>_by: who counted last |
| history#<source>#<number> | body: operations from that number on, as a JSON list |
| history#<source>~<execution>#<number> | the same, of the end that an execution has if it tells none of its own |
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError

from harness.faults.base import Fault
from harness.faults.nemesis import LocalTickets
from harness.faults.points import FUNCTION

_MAX_BODY_CHARACTERS = 50_000  # of an item (limit: 400 KB): a few large items are read faster than many small ones
PLAN = "plan"
UNLESS_ENDED = "unless_ended"  # a key of operations that count only where their execution has no other end
_own: ContextVar[bool] = ContextVar("own", default=False)


@contextmanager
def own_calls() -> Iterator[None]:
    """AWS calls made in this context are the harness's own: no fault reaches them, and no history shows them."""
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

    def create(self, tags: list[dict[str, str]]) -> None:
        with own_calls():
            self._client.create_table(
                TableName=self.table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                Tags=tags,
            )
            self._client.get_waiter("table_exists").wait(TableName=self.table, WaiterConfig={"Delay": 1})

    def delete(self) -> None:
        """Deletes the table, if it exists."""
        with own_calls(), suppress(self._client.exceptions.ResourceNotFoundException):
            self._client.delete_table(TableName=self.table)

    def put(self, id: str, body: Any) -> None:
        with own_calls():
            item = {"id": {"S": id}, "body": {"S": json.dumps(body, sort_keys=True)}}
            self._client.put_item(TableName=self.table, Item=item)

    def read_plan(self) -> tuple[Any, int]:
        """The plan, and the number of the reading environment, from 1. Cold starts wait for it: it is one call."""
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
        """Adds one to an attribute and returns the sum; 0 if the condition does not hold.

        Each call counts once, also where the SDK sends it again because its reply was lost (S-13): it finds its own
        mark. Only another process that counted in between hides that.
        """
        mark, by = {"S": uuid.uuid4().hex}, f"{attribute}_by"
        mine = f"(attribute_not_exists({by}) OR {by} <> :mark)"
        with own_calls():
            try:
                answer = self._client.update_item(
                    TableName=self.table,
                    Key={"id": {"S": id}},
                    UpdateExpression=f"ADD {attribute} :one SET {by} = :mark",
                    ConditionExpression=f"{mine} AND {condition}" if condition else mine,
                    ExpressionAttributeValues={":one": {"N": "1"}, ":mark": mark, **values},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                item = error.response.get("Item", {})
                return int(item[attribute]["N"]) if item.get(by) == mark else 0
        return int(answer["Attributes"][attribute]["N"])

    def append(self, source: str, first: int, operations: Sequence[dict[str, Any]]) -> None:
        """Stores operations of one source, numbered from `first`."""
        for part in _parts(operations):
            self.put(_history_id(source, first), part)
            first += len(part)

    def append_end(self, source: str, execution: int, operation: dict[str, Any]) -> None:
        """Stores how an execution of a source ends if it does not tell its end."""
        self.append(f"{source}~{execution}", 0, [{**operation, UNLESS_ENDED: True}])

    def history(self) -> dict[str, dict[str, Any]]:
        """All stored operations by id, those of each source in order."""
        with own_calls():
            pages = self._client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
            items = [item for page in pages for item in page["Items"] if item["id"]["S"].startswith("history#")]
        operations = {}
        for item in sorted(items, key=lambda item: item["id"]["S"]):
            _, source, first = item["id"]["S"].split("#")
            for number, operation in enumerate(json.loads(item["body"]["S"]), start=int(first)):
                operations[_history_id(source, number)] = operation
        return operations


class ControlTickets:
    """Tickets in the control table, which any process can claim, each by one conditional write.

    Tickets of faults that cannot reach the function are kept in this process.
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
        condition = "(attribute_not_exists(fired) OR fired < :limit)"
        return bool(self._control.count(f"fault#{fault}", "fired", condition, **{":limit": {"N": str(limit)}}))

    def heal(self) -> None:
        self._local.heal()
        for fault in self._shared:
            self._control.count(f"fault#{fault}", "healed")
            self._matched[fault] = self._control.count(f"fault#{fault}", "matched") - 1

    def matched(self) -> list[int]:
        """The counts at the time of healing."""
        return [self._matched.get(fault, number) for fault, number in enumerate(self._local.matched())]


def _history_id(source: str, number: int) -> str:
    return f"history#{source}#{number:08d}"


def _parts(operations: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The operations in their order, in lists that fit into an item."""
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
