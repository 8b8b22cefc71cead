"""The contract of a writer pattern: one way to make a logical change of an item."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from botocore.exceptions import ClientError

from harness.workloads.generator import Change


class Writer(Protocol):
    """`OPERATION` is its word in the history. One instance serves one process, with a client of its own."""

    OPERATION: ClassVar[str]

    def __init__(self, client: Any, table: str) -> None: ...

    def write(self, change: Change, note: str) -> bool:
        """Makes the change: True when it has happened, False when it surely did not.

        `note` is an attribute that says nothing about the intent. Raises what boto3 raises when nobody knows.
        """


FIRST_NOTE = "first"


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


def condition_failed(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def holds_own(error: ClientError, change: Change) -> bool:
    """Whether the item that failed the condition already carries this very change (semantics S-03, S-11)."""
    item: Any = error.response.get("Item", {})
    return bool(item.get("intent", {}).get("S") == change.intent)
