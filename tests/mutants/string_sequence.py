"""The versioned projection with one bug: it compares sequence numbers as strings, without making them equally long.

Shown by no fault at all, as soon as an item changes across a number that gains a digit: "99" is greater than "100",
so the newer state is refused as if it were old (wrong final state; S-41).
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import boto3

VIEW = os.environ["VIEW_TABLE"]

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        change = record["dynamodb"]
        number = {"S": change["SequenceNumber"]}
        with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
            dynamodb.put_item(
                TableName=VIEW,
                Item={**change.get("NewImage", change["Keys"]), "sequence_number": number},
                ConditionExpression="attribute_not_exists(sequence_number) OR sequence_number < :number",
                ExpressionAttributeValues={":number": number},
            )
