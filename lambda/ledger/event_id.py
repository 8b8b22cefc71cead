"""Names the effect after the record's eventID, and puts it only if it is not there yet (P-06).

Exactly-once for each record, at any crash, redelivery or lost reply. Not exactly-once for each change that somebody
wanted: a writer that repeats itself with another time, note or count leaves two records, with two eventIDs, and so two
effects (P-09). Where eventIDs are short, two records can share one, and the second is lost (G-25).
"""

from __future__ import annotations

from typing import Any

from effects import EFFECTS, changes, put_if_absent, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        put_if_absent(EFFECTS, "effect", row(record, effect=record["eventID"]))
