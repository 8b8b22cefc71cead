"""Looks for the marker, and writes marker and effect in one transaction if there is none (P-03).

Not exactly-once when two deliveries of a record overlap: both find nothing, and both write, because the transaction
has no condition (`transactional` has one). Exactly-once at any crash and redelivery that come one after another, as
long as the marker, which names the intent (P-09), outlives the last of them.
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import EFFECTS, MARKERS, changes, dynamodb, intent_of, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        marker = {"marker": {"S": intent_of(record)}}
        if "Item" in dynamodb.get_item(TableName=MARKERS, Key=marker, ConsistentRead=True):
            continue
        effect = row(record, effect=str(uuid.uuid4()))
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": MARKERS, "Item": marker}},
                {"Put": {"TableName": EFFECTS, "Item": effect}},
            ]
        )
