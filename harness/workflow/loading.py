"""Puts the user's items into a table so that doing it again changes nothing: an identical PUT leaves no record (S-31).

Each change of an item has an intent, `<item>/<number>`, unless the item names one. The number follows the stored one,
and the PUT is conditional on that: two processes that load at once do not take the same number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.documents import parse
from harness.errors import Problem, UserError
from harness.pipeline.attribution import by_key, item_as_json
from harness.pipeline.resources import DataStream, Table
from harness.workload.items import AttributeValue, Item, own_items

NEW, CHANGED, UNCHANGED = "new", "changed", "unchanged"
OUTCOMES = (NEW, CHANGED, UNCHANGED)
MAX_ATTEMPTS = 10
_INTENT = "intent"


def read_items(file: Path, table: Table | DataStream) -> list[Item]:
    """The items of a file, YAML or JSON. Raises UserError with all that is wrong with them."""
    if isinstance(table, DataStream):
        again = "an item that is put again is a second record (S-55)"
        raise UserError(f"{table.logical_id} is a Kinesis stream, and has no items: {again}. `load` needs a table")
    try:
        document = parse(file.read_bytes(), str(file))
    except OSError as error:
        raise UserError([Problem(f"cannot be read: {error.strerror}", file=str(file))]) from error
    items = document.value
    if not isinstance(items, list) or not items:
        raise UserError([document.problem((), "expected a list of items, each with attributes")])
    problems = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not item:
            problems.append(document.problem((index,), "is not an item: expected attributes with their values"))
            continue
        problems += [
            document.problem((index,), f"the item has no '{key}', which is a key of {table.logical_id}")
            for key in table.key_names
            if key not in item
        ]
    if problems:
        raise UserError(problems)
    try:
        return own_items(items, table, by_key(table.key_names))
    except UserError as error:
        raise UserError(Problem(problem.message, file=str(file)) for problem in error.problems) from error


def load(client: Any, table_name: str, items: list[Item]) -> Iterator[tuple[Item, str]]:
    """Puts each item, and says whether that was new, changed it, or left it unchanged."""
    for item in items:
        yield item, _put(client, table_name, item)


def _put(client: Any, table_name: str, item: Item) -> str:
    """Raises UserError when somebody else changes the item again and again."""
    key = next(iter(item.key))
    outcome, tried = UNCHANGED, None
    for _ in range(MAX_ATTEMPTS):
        stored = client.get_item(TableName=table_name, Key=item.key, ConsistentRead=True).get("Item")
        if stored is not None and stored == tried:
            return outcome  # the condition has failed against our own write, whose reply was lost (S-11)
        wanted = numbered(item, stored)
        outcome = NEW if stored is None else UNCHANGED if wanted == stored else CHANGED
        try:
            client.put_item(TableName=table_name, Item=wanted, **_while(stored, key))
        except client.exceptions.ConditionalCheckFailedException:
            tried = wanted
        else:
            return outcome
    raise UserError(f"{item.name}: it was changed by others {MAX_ATTEMPTS} times while it was loaded")


def numbered(item: Item, stored: dict[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    """The item to put in place of the stored one, with the stored intent where the rest is the same."""
    if item.intent is not None:
        return (
            stored if stored is not None and item_as_json(stored) == item_as_json(item.attributes) else item.attributes
        )
    if stored is None:
        return item.attributes | {_INTENT: {"S": f"{item.name}/1"}}
    attributes = {name: value for name, value in stored.items() if name != _INTENT}
    if _INTENT in stored and item_as_json(attributes) == item_as_json(item.attributes):
        return stored
    last = stored.get(_INTENT, {}).get("S", "").rpartition("/")[2]
    return item.attributes | {_INTENT: {"S": f"{item.name}/{int(last) + 1 if last.isdecimal() else 1}"}}


def _while(stored: dict[str, AttributeValue] | None, key: str) -> dict[str, Any]:
    """The condition that nobody has changed the item since it was read."""
    if stored is None:
        return {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": key}}
    if _INTENT not in stored:
        return {
            "ConditionExpression": "attribute_exists(#key) AND attribute_not_exists(#intent)",
            "ExpressionAttributeNames": {"#key": key, "#intent": _INTENT},
        }
    return {
        "ConditionExpression": "#intent = :intent",
        "ExpressionAttributeNames": {"#intent": _INTENT},
        "ExpressionAttributeValues": {":intent": stored[_INTENT]},
    }
