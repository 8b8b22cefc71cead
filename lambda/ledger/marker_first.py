"""Puts a marker for the record, then the effect (P-02).

Not exactly-once but at most once: after a crash between the two, or when the reply to the marker is lost and the SDK
finds its own marker (S-11), the effect is lost. The marker names the record, so two records for one intent are two
effects. Exactly-once only while nothing fails.
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import MARKERS, append, changes, put_if_absent


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        if put_if_absent(MARKERS, "marker", {"marker": {"S": record["eventID"]}}):
            append(record, effect=str(uuid.uuid4()))
