"""Posts every record to an HTTP endpoint under the name of its intent, as `Idempotency-Key` (P-15).

Exactly-once where the endpoint honours the key, and as long as it keeps it: it answers a repetition as it did the first
time, and does nothing. For how long is for its maker to say; one that ignores the key does all again.
"""

from __future__ import annotations

from typing import Any

from changes import changes, intent_of, message
from post import post


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        post(message(record), {"Idempotency-Key": intent_of(record)})
