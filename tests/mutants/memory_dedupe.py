"""A deduplicating handler with one bug: it remembers what it did in the memory of its process (S-112).

Shown by one fault: a crash after the effect; the redelivery meets a new process, which remembers nothing (duplicated).
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
