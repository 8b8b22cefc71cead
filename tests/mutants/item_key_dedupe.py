"""The idempotent handler with one bug: it names the effect after the item instead of the intent.

Shown by no fault at all: the second change of an item finds the effect of the first, and is taken for done (lost).
"""

from __future__ import annotations

from typing import Any

from effects import EFFECTS, changes, put_if_absent, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        item = record["dynamodb"]["Keys"]["id"]["S"]
        put_if_absent(EFFECTS, "effect", row(record, effect=item))
