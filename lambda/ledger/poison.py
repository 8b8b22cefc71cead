"""The idempotent handler, which cannot handle an item whose title starts with "poison": it raises, every time.

Exactly-once for every other item (see `idempotent`), but a poison record fails its whole batch until the mapping
discards it: its own intent, and with few retries and no bisection those of its batch, end in the on-failure queue.
"""

from __future__ import annotations

from typing import Any

import idempotent
from effects import Record, changes


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        apply(record)


def apply(record: Record) -> None:
    title = record["dynamodb"]["NewImage"].get("title", {}).get("S", "")
    if title.startswith("poison"):
        raise ValueError(f"cannot handle {title!r}")
    idempotent.apply(record)
