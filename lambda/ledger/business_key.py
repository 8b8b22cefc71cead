"""Puts the effect under the key of its intent, whatever is there already: an upsert by business key (P-01, P-09).

Exactly-once at any crash, redelivery, lost reply or repeated write, in that there is one row for each intent. Not
exactly-once for whoever watches the table: a second record of an intent writes the row again, and what others have
changed in it meanwhile is gone. `idempotent` has a condition against that.
"""

from __future__ import annotations

from typing import Any

from effects import append, changes, intent_of


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        append(record, effect=intent_of(record))
