"""Names the effect after its intent, and puts it only if it is not there yet (P-06, P-09).

Exactly-once at any crash, redelivery, lost reply or repeated write, as long as nobody deletes the row: a failed
condition means that the effect is there, whoever put it, so it is read as done. Not exactly-once for what others
do when they see the row.
"""

from __future__ import annotations

from typing import Any

from effects import EFFECTS, Record, changes, intent_of, put_if_absent, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        apply(record)


def apply(record: Record) -> None:
    put_if_absent(EFFECTS, "effect", row(record, effect=intent_of(record)))
