"""Sends a message to a FIFO queue under the name of its intent (P-11), in the order of the changes of each item.

Exactly-once as long as every repetition comes within five minutes of the first message, consumed or not: SQS takes it
and drops it. A batch that is retried for longer, or a change that is written again later, is a second message.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from changes import changes, intent_of, item_of, message

sqs = boto3.client("sqs")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        sqs.send_message(
            QueueUrl=os.environ["FIFO_QUEUE_URL"],
            MessageBody=message(record),
            MessageGroupId=item_of(record),
            MessageDeduplicationId=intent_of(record),
        )
