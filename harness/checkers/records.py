"""Which intent each record of an item is of, where the stream does not carry the new image. Pure.

A stream of old images names the intent of a record in the next record of the item, and that of the last one in the
item's final state. A stream of keys alone has one record for each write that changed the item, in their order (S-39).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from harness.checkers.trace import Span
from harness.history import OK, REMOVE, Operation


def by_old_images(records: Sequence[Operation], final: str | None) -> list[str | None]:
    """records: of one item, in the order of the stream. final: the intent that the item has in the end."""
    after = [*(_before(record) for record in records[1:]), final]
    return [
        record.value["intent"] if record.value["event_name"] == REMOVE or record.value["intent"] else intent
        for record, intent in zip(records, after, strict=True)
    ]


def has_old_images(records: Sequence[Operation]) -> bool:
    return any("before" in record.value for record in records)


def by_order(changes: Sequence[tuple[str, Span]], count: int) -> list[str | None]:
    """The intents of `count` records, by the writes of the item in their order, each with its intent.

    A write that is repeated may change nothing, and then makes no record: the repetitions share what is left over.
    """
    sure = [change for change in changes if change[1].outcome == OK]
    if _count_groups(changes) > count >= _count_groups(sure):
        changes = sure  # some of those that nobody knows of did not take place
    groups = [(intent, len(list(group))) for intent, group in groupby(intent for intent, _ in changes)]
    spare = max(count - len(groups), 0)
    intents: list[str | None] = []
    for intent, written in groups:
        more = min(written - 1, spare)
        spare -= more
        intents += [intent] * (1 + more)
    return [*intents[:count], *[None] * (count - len(intents))]


def _count_groups(changes: Sequence[tuple[str, Span]]) -> int:
    return sum(1 for _ in groupby(intent for intent, _ in changes))


def _before(record: Operation) -> str | None:
    removed = record.value["event_name"] == REMOVE
    intent: str | None = record.value["intent"] if removed else record.value.get("before")
    return intent
