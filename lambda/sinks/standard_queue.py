"""Sends a message to a standard queue for every record that it is handed (S-120).

Never exactly-once: SQS has no way to know a message again, so whenever a record is delivered twice, or the SDK repeats
a request whose reply was lost, the message is there twice. Whoever consumes the queue must know it by its intent.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from changes import changes, message

sqs = boto3.client("sqs")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=message(record))
