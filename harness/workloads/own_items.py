"""The user's own items as changes write them: with their attributes, and with the keys that their table needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.attribution import Attribution, item_as_json
from harness.errors import Problem, UserError
from harness.stores import DataStream, Table

AttributeValue = dict[str, Any]
DATA = "workload.data"


@dataclass(frozen=True, slots=True)
class Item:
    """`attributes` and `key` are in DynamoDB's JSON. `intent` is there where the item itself names it."""

    name: str
    attributes: dict[str, AttributeValue]
    key: dict[str, AttributeValue]
    intent: str | None


def own_items(data: Sequence[Mapping[str, Any]], table: Table | DataStream, at: Attribution) -> list[Item]:
    """Raises UserError with all that is wrong with them, in view of the table."""
    problems: list[Problem] = []
    items = [_item(content, index, table, at, problems) for index, content in enumerate(data)]
    problems += _twice("key", [str(item.key) for item in items])
    problems += _twice("intent", [item.intent for item in items if item.intent is not None])
    if problems:
        raise UserError(problems)
    return items


def key_of(name: str, index: int, table: Table | DataStream) -> dict[str, AttributeValue]:
    """The key of an item that has none of its own. Raises UserError for a key of bytes."""
    types = {key: table.attribute_types[key] for key in table.key_names}
    if "B" in types.values():
        raise UserError(f"a key of {table.logical_id} is binary: such items are not written")
    return {key: {type: str(index) if type == "N" else name} for key, type in types.items()}


def typed(value: Any) -> AttributeValue:
    """Plain JSON as DynamoDB has it."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case list():
            return {"L": [typed(element) for element in value]}
        case dict():
            return {"M": {name: typed(inner) for name, inner in value.items()}}
    return {"S": value}


def _item(
    content: Mapping[str, Any], index: int, table: Table | DataStream, at: Attribution, problems: list[Problem]
) -> Item:
    attributes = {name: typed(value) for name, value in content.items()}
    key: dict[str, AttributeValue] = {}
    for name in table.key_names:
        type = table.attribute_types[name]
        if name not in attributes and type != "B":
            attributes[name] = {type: str(index) if type == "N" else f"item-{index}"}
        if type not in attributes.get(name, ()):
            got = f"got {content[name]!r}" if name in content else "and has none"
            kind = {"S": "a text", "N": "a number", "B": "bytes, which no file holds"}[type]
            problems.append(Problem(f"item {index}: '{name}' is a key of {table.logical_id} and {kind}: {got}", DATA))
        key[name] = attributes.get(name, {})
    written = item_as_json(attributes)
    return Item(at.item_in(written) or f"item-{index}", attributes, key, at.intent_in(written))


def _twice(what: str, values: Sequence[str]) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for index, value in enumerate(values):
        if first.setdefault(value, index) != index:
            problems.append(Problem(f"items {first[value]} and {index} have the same {what}", DATA))
    return problems
