"""The contract of a writer pattern: one way to make a logical change of an item."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from harness.workload.items import Change

CHANGES = "changes"  # the attribute in which an item counts its changes


class Writer:
    """`OPERATION` is its word in the history. One instance serves one process, with a client of its own.

    What it leaves of an item, if that is not the item as it was put, it says as `LEAVES`: NOTHING, or a COUNT of the
    item's changes beside it. One that needs DynamoDB to delete what has expired says `EXPIRES = True`.
    """

    OPERATION: ClassVar[str]

    def __init__(self, client: Any, table: str) -> None:
        """`client` is a boto3 client, and `table` the name of the table or of the Kinesis stream to write to."""
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool | None:
        """Makes the change: True when it has happened, False when it surely did not, None when nobody knows.

        `note` is an attribute that says nothing about the intent. What boto3 raises may pass.
        """
        raise NotImplementedError


class BatchWriter(Writer):
    """A writer that makes up to BATCH_SIZE changes in one call, each of another item."""

    BATCH_SIZE: ClassVar[int]

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        """For each change what `write` returns."""
        raise NotImplementedError


FIRST_NOTE = "first"
_PLACEHOLDER = re.compile(r"[A-Za-z0-9_]+")


def key_of(change: Change) -> dict[str, Any]:
    return dict(change.key) or {"id": {"S": change.item}}


def is_new(change: Change) -> dict[str, Any]:
    """The condition that there is no such item."""
    partition_key = next(iter(key_of(change)))
    return {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": partition_key},
    }


def item_of(change: Change, note: str) -> dict[str, Any]:
    """The to-do item as it is after the change, or the user's own, in DynamoDB's JSON."""
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
    """The parameters of an UpdateItem that leaves the item as it is after the change."""
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
    """Whether the item that failed the condition already carries this very change (semantics S-03, S-11)."""
    item: Any = error.response.get("Item", {})
    return bool(item.get("intent", {}).get("S") == change.intent)
