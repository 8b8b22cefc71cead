"""What the writers want: changes of to-do items, each an intent with a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.attribution import Attribution, item_as_json
from harness.errors import Problem, UserError
from harness.faults.seed import Seed
from harness.stores import DataStream, Table
from harness.workloads.own_items import Item, key_of, own_items

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
        place, number = index % wanted.item_count, index // wanted.item_count + 1
        item = items[place]
        id = f"todo-{place}"
        title = f"{_pick(_VERBS, seed, 'verb', id)} {_pick(_OBJECTS, seed, 'object', id)}"
        own = item.attributes if wanted.data else None
        change = Change(item.name, number, wanted.titles.get(id, title), item.key, own, item.intent)
        work[place % wanted.writers].append(change)
    return work


def _todo(place: int, table: Table | DataStream, at: Attribution) -> Item:
    """A to-do item, as far as it is the same after every change."""
    id = f"todo-{place}"
    key = key_of(id, place, table)
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
