"""Writes down what is to be sent before sending it, and that it was sent after it: an outbox (P-06, P-09).

    decide: an entry for the intent, with an effect under a name of its own, if there is none ─► send ─► mark as sent

Exactly-once at any crash, redelivery, lost reply or repeated write, as long as entries live and the sink takes each
name once: what was decided first is what every later delivery sends again, byte for byte, however it came to its name.
Not exactly-once with a sink that does not look at names: a crash between sending and marking sends twice (P-03).
Here the delivery itself sends; where a process of its own reads the outbox, the same holds for that one.
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import EFFECTS, MARKERS, Record, changes, dynamodb, intent_of, put_if_absent, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        entry = decided(record)
        if "sent" not in entry:
            put_if_absent(EFFECTS, "effect", entry["effect"]["M"])
            mark_as_sent(entry)


def decided(record: Record) -> dict[str, Any]:
    """The entry for this intent, whichever delivery has written it."""
    key = {"marker": {"S": intent_of(record)}}
    effect = row(record, effect=str(uuid.uuid4()))
    put_if_absent(MARKERS, "marker", {**key, "effect": {"M": effect}})
    return dynamodb.get_item(TableName=MARKERS, Key=key, ConsistentRead=True)["Item"]


def mark_as_sent(entry: dict[str, Any]) -> None:
    dynamodb.put_item(TableName=MARKERS, Item={**entry, "sent": {"BOOL": True}})
