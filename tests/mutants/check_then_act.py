"""The transactional handler with one bug: it looks for the marker first, and then writes without a condition.

Two deliveries of a record that overlap both find nothing, and both write. Shown by one fault: a redelivery while
the first delivery still runs (duplicated).
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
