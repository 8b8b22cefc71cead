"""The transactional handler, whose marker is good for MARKER_SECONDS (60 unless set) and no longer (P-04, P-08).

Exactly-once for deliveries that come again within that time. Not exactly-once after it: a batch that was retried for
longer, a redrive or a roll-back finds a marker that no longer counts, and makes the effect again. A stream keeps its
records for 24 hours (S-46): a marker that is to outlive the last delivery must live longer than that.
"""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from effects import EFFECTS, MARKERS, Record, changes, dynamodb, intent_of, row

MARKER_SECONDS = int(os.environ.get("MARKER_SECONDS", "60"))


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        apply(record)


def apply(record: Record) -> None:
    now = int(time.time())
    marker = {
        "TableName": MARKERS,
        "Item": {"marker": {"S": intent_of(record)}, "expires_at": {"N": str(now + MARKER_SECONDS)}},
        # DynamoDB's own time to live may take days to delete it (S-52), so the handler looks at the time itself.
        "ConditionExpression": "attribute_not_exists(marker) OR expires_at < :now",
        "ExpressionAttributeValues": {":now": {"N": str(now)}},
    }
    effect = {"TableName": EFFECTS, "Item": row(record, effect=str(uuid.uuid4()))}
    try:
        dynamodb.transact_write_items(TransactItems=[{"Put": marker}, {"Put": effect}])
    except dynamodb.exceptions.TransactionCanceledException as error:
        marker_reason = error.response["CancellationReasons"][0]
        if marker_reason["Code"] != "ConditionalCheckFailed":
            raise
