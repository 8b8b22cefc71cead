"""Records as the function gets them, and what can be read from them, whichever source they are of. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from harness.sources import source_of
from harness.sources.base import Record


def payload(records: Sequence[Record]) -> bytes:
    """The event that the function is invoked with."""
    return _encode({"Records": records})


def size(record: Record) -> int:
    """How many bytes of the event's JSON the record takes, its comma included."""
    return len(_encode(record)) + 1


def sequence_number(record: Record) -> str:
    return source_of(record).sequence_number(record)


def sequence_numbers(records: Iterable[Record]) -> list[str]:
    return [sequence_number(record) for record in records]


def created_at(record: Record) -> int:
    """Microseconds since the Unix epoch."""
    return source_of(record).created_at(record)


def intents(records: Iterable[Record]) -> tuple[str, ...]:
    """The intents that the records carry, each once, in order."""
    return _unique(source_of(record).intent(record) for record in records)


def items(records: Iterable[Record]) -> tuple[str, ...]:
    """The names of the items concerned, each once, in order."""
    return _unique(source_of(record).item(record) for record in records)


def key(record: Record) -> str:
    """What keeps its order, as one text."""
    return source_of(record).key(record)


def content(record: Record) -> dict[str, Any]:
    """The item that it is about, as plain JSON."""
    return source_of(record).content(record)


def filtered(record: Record) -> dict[str, Any]:
    """What the patterns of a mapping's filters are about."""
    return source_of(record).filtered(record)


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
