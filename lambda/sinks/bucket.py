"""Puts an object that is named after its intent, if it is not there yet (P-10).

Exactly-once at any crash, redelivery, lost reply or repeated write, as long as nobody deletes the object and no
lifecycle rule expires it: a failed precondition means that it is there, whoever put it, so it is read as done.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.exceptions import ClientError
from changes import changes, intent_of, message

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        put_if_absent(intent_of(record), message(record))


def put_if_absent(key: str, body: str) -> None:
    """A conflict with another put of the key (409) is raised: the batch comes again, when one of the two is there."""
    try:
        s3.put_object(Bucket=os.environ["BUCKET"], Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
