"""Puts an object under a fresh name for every record that it is handed.

Never exactly-once, only as often as it is called: whenever a record is delivered again, its object is there twice. What
the SDK repeats goes under the same name, and does no harm.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import boto3
from changes import changes, message

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        s3.put_object(Bucket=os.environ["BUCKET"], Key=str(uuid.uuid4()), Body=message(record))
