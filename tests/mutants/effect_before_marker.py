"""The transactional handler with one bug: marker and effect are two calls, the effect first.

Shown by one fault: a crash after the effect, which leaves no marker for the redelivery to find (duplicated).
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import MARKERS, append, changes, dynamodb, intent_of


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        marker = {"marker": {"S": intent_of(record)}}
        if "Item" in dynamodb.get_item(TableName=MARKERS, Key=marker, ConsistentRead=True):
            continue
        append(record, effect=str(uuid.uuid4()))
        dynamodb.put_item(TableName=MARKERS, Item=marker)
