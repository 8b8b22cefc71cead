"""What the writers want: changes of to-do items, or of the user's own, each an intent with a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.errors import Problem, UserError
from harness.faults.seed import Seed
from harness.pipeline.attribution import Attribution, item_as_json
from harness.pipeline.resources import DataStream, Table

_VERBS = ("buy", "call", "fix", "paint", "read", "return", "visit", "write")
_OBJECTS = ("the bicycle", "the dentist", "the fence", "grandmother", "the letter", "milk", "the report", "the roof")


@dataclass(frozen=True, slots=True)
class Change:
    """One intent: the `number`th change (from 1) of an item. `intent` is `<item>/<number>`, unless it is `named`.

    In DynamoDB's JSON: `key` is that of the item, and `own` its attributes, where it is no to-do item but the user's.
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


class Wanted(Protocol):
    """How much is wanted: so many intents, spread over so many items, by so many writers; titles by item."""

    @property
    def intents(self) -> int: ...
    @property
    def item_count(self) -> int: ...
    @property
    def writers(self) -> int: ...
    @property
    def titles(self) -> Mapping[str, str]: ...
    @property
    def data(self) -> Sequence[Mapping[str, Any]] | None: ...


def changes(wanted: Wanted, seed: Seed, table: Table | DataStream, at: Attribution) -> list[list[Change]]:
    """For each writer its changes, in order. An item belongs to one writer, so its changes have one order.

    `at` is where the table's items say what they are about. Raises UserError when the items do not fit the table.
    """
    items = (
        own_items(wanted.data, table, at) if wanted.data else [_todo(n, table, at) for n in range(wanted.item_count)]
    )
    named = any(item.intent for item in items[: wanted.item_count])
    if named and wanted.intents > wanted.item_count:
        message = f"items that name their intent (`{at.intent}`) are written once each: at most {wanted.item_count}"
        raise UserError([Problem(f"got {wanted.intents}; {message}", "workload.intents")])
    work: list[list[Change]] = [[] for _ in range(wanted.writers)]
    for index in range(wanted.intents):
        position, number = index % wanted.item_count, index // wanted.item_count + 1
        item = items[position]
        id = f"todo-{position}"
        title = f"{_pick(_VERBS, seed, 'verb', id)} {_pick(_OBJECTS, seed, 'object', id)}"
        own = item.attributes if wanted.data else None
        change = Change(item.name, number, wanted.titles.get(id, title), item.key, own, item.intent)
        work[position % wanted.writers].append(change)
    return work


def _todo(position: int, table: Table | DataStream, at: Attribution) -> Item:
    """A to-do item, as far as it is the same after every change."""
    id = f"todo-{position}"
    key = made_up_key(id, position, table)
    written = item_as_json({"id": {"S": id}, **key})
    return Item(at.item_in(written) or id, key, key, at.intent_in(written))


def batches(work: Iterable[Change], size: int) -> list[list[Change]]:
    """The changes in their order, up to so many at once, and never two of one item."""
    cut: list[list[Change]] = []
    for change in work:
        if not cut or len(cut[-1]) == size or any(change.item == other.item for other in cut[-1]):
            cut.append([])
        cut[-1].append(change)
    return cut


def _pick(words: tuple[str, ...], seed: Seed, *key: object) -> str:
    return words[seed.between(0, len(words) - 1, *key)]


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


def made_up_key(name: str, index: int, table: Table | DataStream) -> dict[str, AttributeValue]:
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
