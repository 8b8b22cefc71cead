"""The idempotent handler with one bug: it names the effect after the record instead of the intent (P-09).

Shown by one fault: a put that the client repeats with a changed attribute, or one lost reply to a writer that stamps
each attempt; the stream then holds two records for one intent (duplicated).
"""

from __future__ import annotations

from typing import Any

from effects import EFFECTS, changes, put_if_absent, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        put_if_absent(EFFECTS, "effect", row(record, effect=record["eventID"]))
