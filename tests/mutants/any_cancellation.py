"""The transactional handler with one bug: it takes every cancelled transaction for a duplicate.

Shown by one fault: a transaction that is cancelled by a conflict or a throttle, which says nothing of a duplicate, is
acknowledged without its effect (lost). The right handler reads the reason of its marker.
"""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from effects import EFFECTS, MARKERS, changes, dynamodb, intent_of, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        marker = {
            "TableName": MARKERS,
            "Item": {"marker": {"S": intent_of(record)}},
            "ConditionExpression": "attribute_not_exists(marker)",
        }
        effect = {"TableName": EFFECTS, "Item": row(record, effect=str(uuid.uuid4()))}
        with contextlib.suppress(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[{"Put": marker}, {"Put": effect}])
