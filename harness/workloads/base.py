"""The contract of a writer pattern: one way to make a logical change of an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from botocore.exceptions import ClientError

from harness.workloads.generator import Change

CHANGES = "changes"  # the attribute in which an item counts its changes


class Writer(Protocol):
    """`OPERATION` is its word in the history. One instance serves one process, with a client of its own.

    What it leaves of an item, if that is not the item as it was put, it says as `LEAVES`: NOTHING, or a COUNT of the
    item's changes beside it. One that needs DynamoDB to delete what has expired says `EXPIRES = True`.
    """

    OPERATION: ClassVar[str]

    def __init__(self, client: Any, table: str) -> None: ...

    def write(self, change: Change, note: str) -> bool | None:
        """Makes the change: True when it has happened, False when it surely did not, None when nobody knows.

        `note` is an attribute that says nothing about the intent. What boto3 raises may pass.
        """


class BatchWriter(Protocol):
    """A writer that makes up to BATCH_SIZE changes in one call, each of another item."""

    OPERATION: ClassVar[str]
    BATCH_SIZE: ClassVar[int]

    def __init__(self, client: Any, table: str) -> None: ...

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        """For each change what `write` returns."""


def item_of(change: Change, note: str) -> dict[str, Any]:
    """The to-do item as it is after the change, in DynamoDB's JSON."""
    return {
        "id": {"S": change.item},
        "intent": {"S": change.intent},
        "title": {"S": change.title},
        "done": {"BOOL": change.done},
        "note": {"S": note},
    }


def updated_to(change: Change, note: str, counted: bool = False) -> dict[str, Any]:
    """The parameters of an UpdateItem that leaves the item as it is after the change."""
    item = item_of(change, note)
    key = {"id": item.pop("id")}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in item)
    values = {f":{name}": value for name, value in item.items()}
    names = {f"#{name}": name for name in item}
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


def condition_failed(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def holds_own(error: ClientError, change: Change) -> bool:
    """Whether the item that failed the condition already carries this very change (semantics S-03, S-11)."""
    item: Any = error.response.get("Item", {})
    return bool(item.get("intent", {}).get("S") == change.intent)
