"""Which changes are to be made, in which order; what their items look like is in base.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from harness.errors import Problem, UserError
from harness.faults.points import Seed
from harness.pipeline.resources import DataStream, Table
from harness.pipeline.stack import Attribution, item_as_json

_VERBS = ("buy", "call", "fix", "paint", "read", "return", "visit", "write")
_OBJECTS = ("the bicycle", "the dentist", "the fence", "grandmother", "the letter", "milk", "the report", "the roof")


@dataclass(frozen=True, slots=True)
class Change:
    """One intent: the `number`th change (from 1) of an item. `intent` is `<item>/<number>`, unless `named` names it.

    `key` is the item's key, and `own` the attributes of a user's own item, in DynamoDB's JSON.
    """

    item: str
    number: int
    title: str
    key: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] | None = None
    named: str | None = None

    @property
    def intent(self) -> str:
        return self.named or f"{self.item}/{self.number}"

    @property
    def done(self) -> bool:
        return self.number % 2 == 0


class Quantities(Protocol):
    """The workload: so many intents, spread over so many items, by so many writers; titles by item.

    share: whether the writers take turns at each item.
    """

    @property
    def intents(self) -> int: ...
    @property
    def item_count(self) -> int: ...
    @property
    def writers(self) -> int: ...
    @property
    def share(self) -> bool: ...
    @property
    def titles(self) -> Mapping[str, str]: ...
    @property
    def data(self) -> Sequence[Mapping[str, Any]] | None: ...


def changes(
    workload: Quantities, seed: Seed, table: Table | DataStream, attribution: Attribution
) -> list[list[Change]]:
    """For each writer its changes, in order. An item belongs to one writer, unless they share it: then it is the turn
    of one after another, and only the stream knows in which order its changes took place.

    `attribution` says which attributes name item and intent. Raises UserError if the items do not fit the table.
    """
    if workload.data:
        items = own_items(workload.data, table, attribution)
    else:
        items = [_todo(position, table, attribution) for position in range(workload.item_count)]
    named = any(item.intent for item in items[: workload.item_count])
    if named and workload.intents > workload.item_count:
        message = (
            f"items that name their intent (`{attribution.intent}`) are written once: at most {workload.item_count}"
        )
        raise UserError([Problem(f"got {workload.intents}; {message}", "workload.intents")])
    by_writer: list[list[Change]] = [[] for _ in range(workload.writers)]
    for index in range(workload.intents):
        position, number = index % workload.item_count, index // workload.item_count + 1
        item = items[position]
        id = f"todo-{position}"
        title = f"{_pick(_VERBS, seed, 'verb', id)} {_pick(_OBJECTS, seed, 'object', id)}"
        own = item.attributes if workload.data else None
        change = Change(item.name, number, workload.titles.get(id, title), item.key, own, item.intent)
        turn = position + number - 1 if workload.share else position
        by_writer[turn % workload.writers].append(change)
    return by_writer


def _todo(position: int, table: Table | DataStream, attribution: Attribution) -> Item:
    """What is the same of a to-do item after every change."""
    id = f"todo-{position}"
    key = made_up_key(id, position, table)
    content = item_as_json({"id": {"S": id}, **key})
    return Item(attribution.item_in(content) or id, key, key, attribution.intent_in(content))


def batches(work: Iterable[Change], size: int) -> list[list[Change]]:
    """The changes in their order, in lists of up to `size`, never two of one item in a list."""
    lists: list[list[Change]] = []
    for change in work:
        if not lists or len(lists[-1]) == size or any(change.item == other.item for other in lists[-1]):
            lists.append([])
        lists[-1].append(change)
    return lists


def _pick(words: tuple[str, ...], seed: Seed, *key: object) -> str:
    return words[seed.between(0, len(words) - 1, *key)]


AttributeValue = dict[str, Any]
DATA = "workload.data"


class Item(NamedTuple):
    """`attributes` and `key` are in DynamoDB's JSON. `intent` is None unless an attribute names it."""

    name: str
    attributes: dict[str, AttributeValue]
    key: dict[str, AttributeValue]
    intent: str | None


def own_items(data: Sequence[Mapping[str, Any]], table: Table | DataStream, attribution: Attribution) -> list[Item]:
    """Raises UserError with every problem that the items have in this table."""
    problems: list[Problem] = []
    items = [_item(content, index, table, attribution, problems) for index, content in enumerate(data)]
    problems += _duplicates("key", [str(item.key) for item in items])
    problems += _duplicates("intent", [item.intent for item in items if item.intent is not None])
    if problems:
        raise UserError(problems)
    return items


def made_up_key(name: str, index: int, table: Table | DataStream) -> dict[str, AttributeValue]:
    """A key for an item without one. Raises UserError for a binary key."""
    types = {key: table.attribute_types[key] for key in table.key_names}
    if "B" in types.values():
        raise UserError(f"a key of {table.logical_id} is binary: the harness cannot write such items")
    return {key: {type: str(index) if type == "N" else name} for key, type in types.items()}


def typed(value: Any) -> AttributeValue:
    """A JSON value in DynamoDB's JSON."""
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
    content: Mapping[str, Any], index: int, table: Table | DataStream, attribution: Attribution, problems: list[Problem]
) -> Item:
    attributes = {name: typed(value) for name, value in content.items()}
    key: dict[str, AttributeValue] = {}
    for name in table.key_names:
        type = table.attribute_types[name]
        if name not in attributes and type != "B":
            attributes[name] = {type: str(index) if type == "N" else f"item-{index}"}
        if type not in attributes.get(name, ()):
            got = f"got {content[name]!r}" if name in content else "it is missing"
            kind = {"S": "a string", "N": "a number", "B": "binary, which a data file cannot hold"}[type]
            problem = f"item {index}: '{name}' is a key of {table.logical_id} and must be {kind}: {got}"
            problems.append(Problem(problem, DATA))
        key[name] = attributes.get(name, {})
    written = item_as_json(attributes)
    return Item(attribution.item_in(written) or f"item-{index}", attributes, key, attribution.intent_in(written))


def _duplicates(what: str, values: Sequence[str]) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for index, value in enumerate(values):
        if first.setdefault(value, index) != index:
            problems.append(Problem(f"items {first[value]} and {index} have the same {what}", DATA))
    return problems
