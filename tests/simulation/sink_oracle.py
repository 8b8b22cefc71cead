"""What is wrong at the sinks of a run, by their final contents and those of the reference alone. Slow, and sure of it:
it reads what the observer read and what the writers were told, and shares nothing with the checkers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harness.history import Operation

NOWHERE = ""  # in place of a sink: the intent is at none, and no sink of the reference has it either


class Wrong(NamedTuple):
    """subject: an intent, or for a view an item."""

    kind: str
    subject: str
    sink: str


def wrong(history: Iterable[Operation], reference: Iterable[Operation], views: Iterable[str]) -> set[Wrong]:
    """reference: the history of the same run without faults; of a run without faults, its own."""
    operations, expected = list(history), list(reference)
    found = set(_at_ledgers(operations, expected))
    for view in views:
        source, copy = _items(operations, role="source"), _items(operations, resource=view)
        for item in source.keys() | copy.keys():
            if source.get(item) != copy.get(item):
                found.add(Wrong("wrong_final_state", item, view))
    return found


def _at_ledgers(operations: list[Operation], reference: list[Operation]) -> Iterator[Wrong]:
    effects, owed = _effects(operations), _effects(reference)
    for intent in _acknowledged(operations):
        if owed and not any(effect[1] == intent for effect in (*effects, *owed)):
            yield Wrong("lost", intent, NOWHERE)
        for sink in {effect[0] for effect in (*effects, *owed)}:
            count = effects.count((sink, intent))
            if count > 1:
                yield Wrong("duplicated", intent, sink)
            if count == 0 and (sink, intent) in owed:
                yield Wrong("lost", intent, sink)


def _effects(operations: list[Operation]) -> list[tuple[str, str]]:
    return [(op.value["sink"], op.value["intent"]) for op in operations if op.f == "effect" and op.value["intent"]]


def _acknowledged(operations: list[Operation]) -> set[str]:
    writers = (op for op in operations if op.process.startswith("writer/") and op.type == "ok" and "." not in op.f)
    return {op.value["intent"] for op in writers}


def _items(operations: list[Operation], **that: str) -> dict[str, str]:
    """The intent of each item of a table, where the item has one."""
    states = [op.value for op in operations if op.f == "state" and that.items() <= op.value.items()]
    return {state["item"]: state["intent"] for state in states if state["intent"]}
