"""The transactional handler with one bug: marker and effect are two calls, the marker first.

Shown by one fault: a crash before the effect, which the redelivery takes for done (lost); or a lost reply to the
marker, because the SDK's second attempt finds the first one's marker (lost).
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import MARKERS, append, changes, intent_of, put_if_absent


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        if put_if_absent(MARKERS, "marker", {"marker": {"S": intent_of(record)}}):
            append(record, effect=str(uuid.uuid4()))
