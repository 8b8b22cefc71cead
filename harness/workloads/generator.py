"""What the writers want: changes of to-do items, each an intent with a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.schedule import Seed

_VERBS = ("buy", "call", "fix", "paint", "read", "return", "visit", "write")
_OBJECTS = ("the bicycle", "the dentist", "the fence", "grandmother", "the letter", "milk", "the report", "the roof")


@dataclass(frozen=True, slots=True)
class Change:
    """One intent: the `number`th change (from 1) of an item. `intent` is `<item>/<number>`."""

    item: str
    number: int
    title: str

    @property
    def intent(self) -> str:
        return f"{self.item}/{self.number}"

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


def changes(wanted: Wanted, seed: Seed) -> list[list[Change]]:
    """For each writer its changes, in order. An item belongs to one writer, so its changes have one order."""
    work: list[list[Change]] = [[] for _ in range(wanted.writers)]
    for index in range(wanted.intents):
        place, number = index % wanted.item_count, index // wanted.item_count + 1
        item = f"todo-{place}"
        title = f"{_pick(_VERBS, seed, 'verb', item)} {_pick(_OBJECTS, seed, 'object', item)}"
        work[place % wanted.writers].append(Change(item, number, wanted.titles.get(item, title)))
    return work


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
