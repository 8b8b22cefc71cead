"""What the handlers of this folder share: which records carry a change, and what an effect says of it."""

from __future__ import annotations

import json
from typing import Any

Record = dict[str, Any]


def changes(event: dict[str, Any]) -> list[Record]:
    """The records that carry an intent. A removal has no new image, so there is nothing to apply."""
    return [record for record in event["Records"] if "NewImage" in record["dynamodb"]]


def intent_of(record: Record) -> str:
    return record["dynamodb"]["NewImage"]["intent"]["S"]


def item_of(record: Record) -> str:
    return record["dynamodb"]["NewImage"]["id"]["S"]


def message(record: Record) -> str:
    """It holds no wall-clock time: the same record always gives the same message."""
    return json.dumps({"intent": intent_of(record), "item": item_of(record)})
