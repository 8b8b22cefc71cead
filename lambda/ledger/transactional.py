"""Marker and effect in one transaction: both or neither (P-04, the transactional inbox).

Exactly-once at any crash, redelivery, lost reply or repeated write, for effects in DynamoDB of one account and Region,
as long as the marker outlives the last possible redelivery. The marker names the intent (P-09), so that two records
for one intent are one effect. A conflict or a throttle also cancels a transaction, but says nothing of a duplicate:
it is raised, and the batch comes again (S-22).
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import EFFECTS, MARKERS, Record, changes, dynamodb, intent_of, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        apply(record)


def apply(record: Record) -> None:
    marker = {
        "TableName": MARKERS,
        "Item": {"marker": {"S": intent_of(record)}},
        "ConditionExpression": "attribute_not_exists(marker)",
    }
    effect = {"TableName": EFFECTS, "Item": row(record, effect=str(uuid.uuid4()))}
    try:
        dynamodb.transact_write_items(TransactItems=[{"Put": marker}, {"Put": effect}])
    except dynamodb.exceptions.TransactionCanceledException as error:
        marker_reason = error.response["CancellationReasons"][0]
        if marker_reason["Code"] != "ConditionalCheckFailed":
            raise
