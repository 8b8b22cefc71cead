"""The contract of a writer pattern, and the item that a change is written as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from harness.workload.items import Change

CHANGES = "changes"  # the attribute in which an item counts its changes


class Writer:
    """One instance serves one process, with a client of its own.

    OPERATION: its word in the history. BATCH_SIZE: how many changes, each of another item, it makes in one call.
    LEAVES: NOTHING if it deletes the item, COUNT if the item counts its changes; None if the item stays as it was put.
    EXPIRES: whether DynamoDB must delete expired items.
    """

    OPERATION: ClassVar[str]
    BATCH_SIZE: ClassVar[int] = 1
    LEAVES: ClassVar[str | None] = None
    EXPIRES: ClassVar[bool] = False

    def __init__(self, client: Any, table: str) -> None:
        """`client` is a boto3 client, and `table` the name of the table or of the Kinesis stream to write to."""
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool | None:
        """Makes the change. True: it happened; False: it certainly did not; None: nobody knows.

        `note` is the value of an attribute that does not belong to the intent. May raise what boto3 raises.
        """
        raise NotImplementedError

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        """Makes up to BATCH_SIZE changes; returns for each what `write` returns."""
        return [self.write(change, note) for change in changes]


FIRST_NOTE = "first"
_PLACEHOLDER = re.compile(r"[A-Za-z0-9_]+")


def key_of(change: Change) -> dict[str, Any]:
    return dict(change.key) or {"id": {"S": change.item}}


def is_new(change: Change) -> dict[str, Any]:
    """The condition that the item does not exist."""
    partition_key = next(iter(key_of(change)))
    return {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": partition_key},
    }


def item_of(change: Change, note: str) -> dict[str, Any]:
    """The whole item after the change, in DynamoDB's JSON: the user's own, or a to-do item."""
    if change.own is not None:
        changed = {} if note == FIRST_NOTE else {"note": {"S": note}}
        return {**change.own, "intent": {"S": change.intent}, **changed}
    return {
        "id": {"S": change.item},
        "intent": {"S": change.intent},
        "title": {"S": change.title},
        "done": {"BOOL": change.done},
        "note": {"S": note},
        **change.key,
    }


def updated_to(change: Change, note: str, counted: bool = False) -> dict[str, Any]:
    """The parameters of an UpdateItem after which the item is as after the change; `counted` adds one to CHANGES."""
    key = key_of(change)
    item = {name: value for name, value in item_of(change, note).items() if name not in key}
    alias = {name: name if _PLACEHOLDER.fullmatch(name) else f"own_{number}" for number, name in enumerate(item)}
    expression = "SET " + ", ".join(f"#{alias[name]} = :{alias[name]}" for name in item)
    values = {f":{alias[name]}": value for name, value in item.items()}
    names = {f"#{alias[name]}": name for name in item}
    if counted:
        expression += f" ADD #{CHANGES} :one"
        values[":one"] = {"N": "1"}
        names[f"#{CHANGES}"] = CHANGES
    return {
        "Key": key,
        "UpdateExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def holds_own(error: Any, change: Change) -> bool:
    """Whether the item that failed the condition already holds this change, by AWS's error (S-03, S-11)."""
    item: Any = error.response.get("Item", {})
    return bool(item.get("intent", {}).get("S") == change.intent)
