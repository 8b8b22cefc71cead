"""Looks for the record's marker, makes the effect, then puts the marker (P-03).

Not exactly-once but at least once: after a crash between effect and marker, or when two deliveries of a record both
find no marker, the effect is there twice. The marker names the record, so two records for one intent are two
effects. Exactly-once only while nothing fails and no delivery overlaps another.
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import MARKERS, append, changes, dynamodb


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        marker = {"marker": {"S": record["eventID"]}}
        if "Item" in dynamodb.get_item(TableName=MARKERS, Key=marker, ConsistentRead=True):
            continue
        append(record, effect=str(uuid.uuid4()))
        dynamodb.put_item(TableName=MARKERS, Item=marker)
