"""Keeps the latest state of each item in a view, and refuses what is older than what is there (P-05).

Exactly-once for the latest state, at any crash, redelivery or lost reply, also out of order. Not for each change: one
that comes after a newer one is dropped. A removal leaves a row with the key and the sequence number alone, because an
absent row could not refuse an older change. A stream that is created anew may start with lower numbers (S-42).
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import boto3

VIEW = os.environ["VIEW_TABLE"]
# AWS promises 21 to 40 digits (S-41): strings of one width compare as the integers do, and DynamoDB's own numbers
# hold 38 digits only.
DIGITS = 40

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        apply(record)


def apply(record: dict[str, Any]) -> None:
    change = record["dynamodb"]
    number = {"S": change["SequenceNumber"].zfill(DIGITS)}
    # A failed condition says that what is there is as new, or newer.
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=VIEW,
            Item={**change.get("NewImage", change["Keys"]), "sequence_number": number},
            ConditionExpression="attribute_not_exists(sequence_number) OR sequence_number < :number",
            ExpressionAttributeValues={":number": number},
        )
