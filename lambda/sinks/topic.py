"""Publishes a message to a standard topic for every record that it is handed (S-120).

Never exactly-once: SNS has no way to know a message again, so whenever a record is delivered twice, or the SDK repeats
a request whose reply was lost, every subscriber gets it twice. Each of them must know it by its intent.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from changes import changes, message

sns = boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        sns.publish(TopicArn=os.environ["TOPIC_ARN"], Message=message(record))
