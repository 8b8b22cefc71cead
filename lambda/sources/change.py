"""What the handlers of this folder share: which change a record is of, whichever source it comes from.

    a DynamoDB table's stream   the new image, in DynamoDB's JSON; a removal has none
    a Kinesis stream            the data that PutRecord was given, as base64; here it is JSON

Both have an `eventID`, and in both it names the record, not the change: two records of one change have two.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

Record = dict[str, Any]
Todo = dict[str, Any]

EFFECTS = os.environ["EFFECTS_TABLE"]

dynamodb = boto3.client("dynamodb")
_deserialize = TypeDeserializer().deserialize


def changes(event: dict[str, Any]) -> Iterator[tuple[Record, Todo]]:
    """Each record with the to-do item as it is after the change."""
    for record in event["Records"]:
        if record["eventSource"] == "aws:kinesis":
            yield record, json.loads(base64.b64decode(record["kinesis"]["data"]))
        elif "NewImage" in record["dynamodb"]:
            image = record["dynamodb"]["NewImage"]
            yield record, {name: _deserialize(value) for name, value in image.items()}


def row(effect: str, todo: Todo) -> dict[str, Any]:
    """One row of the effects table."""
    return {"effect": {"S": effect}, "intent": {"S": todo["intent"]}, "item": {"S": todo["id"]}}


def append(effect: str, todo: Todo) -> None:
    """Writes the row whatever is there already."""
    dynamodb.put_item(TableName=EFFECTS, Item=row(effect, todo))


def put_if_absent(effect: str, todo: Todo) -> None:
    """Writes the row unless one of that name is there already, perhaps our own (S-11)."""
    condition = "attribute_not_exists(effect)"
    try:
        dynamodb.put_item(TableName=EFFECTS, Item=row(effect, todo), ConditionExpression=condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
