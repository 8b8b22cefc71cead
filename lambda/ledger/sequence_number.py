"""Keeps for each item the number of its last change, in one transaction with the effect (P-05).

Exactly-once for each record, at any crash, redelivery or lost reply, as the records of an item come in order for the
first time (S-39). Not exactly-once for each change that somebody wanted: when a writer repeats itself with other values
the second record has a higher number, and is a second effect. A record that came late for the first time would be
dropped, and after a new stream with lower numbers all would be (S-42).
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import EFFECTS, MARKERS, Record, changes, dynamodb, row

# AWS promises 21 to 40 digits (S-41): strings of one width compare as the integers do, and DynamoDB's own numbers
# hold 38 digits only.
DIGITS = 40


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        apply(record)


def apply(record: Record) -> None:
    change = record["dynamodb"]
    number = {"S": change["SequenceNumber"].zfill(DIGITS)}
    last = {
        "TableName": MARKERS,
        "Item": {"marker": {"S": f"item#{change['Keys']['id']['S']}"}, "sequence_number": number},
        "ConditionExpression": "attribute_not_exists(marker) OR sequence_number < :number",
        "ExpressionAttributeValues": {":number": number},
    }
    effect = {"TableName": EFFECTS, "Item": row(record, effect=str(uuid.uuid4()))}
    try:
        dynamodb.transact_write_items(TransactItems=[{"Put": last}, {"Put": effect}])
    except dynamodb.exceptions.TransactionCanceledException as error:
        last_reason = error.response["CancellationReasons"][0]
        if last_reason["Code"] != "ConditionalCheckFailed":
            raise
