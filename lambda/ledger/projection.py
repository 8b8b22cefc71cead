"""Keeps the latest state of each item in a view, by writing whatever it is handed (P-01).

Exactly-once only while deliveries come in order: repeating a record changes nothing, but an old record that comes
again after a newer one puts the old state back.
"""

from __future__ import annotations

import os
from typing import Any

import boto3

VIEW = os.environ["VIEW_TABLE"]

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        change = record["dynamodb"]
        if "NewImage" in change:
            dynamodb.put_item(TableName=VIEW, Item=change["NewImage"])
        else:
            dynamodb.delete_item(TableName=VIEW, Key=change["Keys"])
