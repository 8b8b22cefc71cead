"""Remembers in the memory of its process which intents it has applied (S-112).

Exactly-once only while one process lives and gets every record: after a crash, a timeout or a deployment the next
process remembers nothing, and one that runs beside it never did. It also remembers for ever, and its memory grows.
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import append, changes, intent_of

done: set[str] = set()


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        intent = intent_of(record)
        if intent not in done:
            append(record, effect=str(uuid.uuid4()))
            done.add(intent)
