"""What landed in a sink that is no table: messages and objects, each with the intent and the item that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.attribution import Attribution
from harness.stores import Bucket, Queue, Topic

Message = dict[str, Any]
_MAX_MESSAGES = 100_000
_MESSAGES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Landed:
    """One effect; intent and item are None where it does not say. order: None where the sink keeps none."""

    intent: str | None
    item: str | None
    order: int | None = None


def in_queue(sqs: Any, queue: Queue, arrival_seconds: int, at: Attribution) -> Iterator[Landed]:
    """A FIFO queue hands out each group in order, a standard one keeps none (S-120)."""
    for place, message in enumerate(messages(sqs, queue.name, arrival_seconds)):
        yield named(message["Body"], at, place if queue.fifo else None)


def in_bucket(s3: Any, bucket: Bucket, at: Attribution) -> Iterator[Landed]:
    """Each object is an effect. They are listed by their keys: nobody knows in which order they came."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
        for entry in page.get("Contents", ()):
            yield named(s3.get_object(Bucket=bucket.name, Key=entry["Key"])["Body"].read(), at)


def in_topic(sqs: Any, topic: Topic, arrival_seconds: int, at: Attribution) -> Iterator[Landed]:
    """What the inbox got. A topic may send a message to it twice, under one id (S-120): that is one effect."""
    seen: set[str] = set()
    for message in messages(sqs, topic.inbox.name, arrival_seconds):
        envelope = _object(message["Body"])
        if envelope.get("Type") != "Notification":
            yield named(message["Body"], at)
        elif envelope["MessageId"] not in seen:
            seen.add(envelope["MessageId"])
            yield named(envelope["Message"], at)


def messages(sqs: Any, queue: str, arrival_seconds: int) -> Iterator[Message]:
    """Takes out what is in the queue, and what arrives within so many seconds of the last one. A queue may hand one
    message out twice (S-120): that is one message."""
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    seen: set[str] = set()
    for _ in range(_MAX_MESSAGES):
        received = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_MESSAGES_AT_ONCE, WaitTimeSeconds=arrival_seconds
        )
        if not received.get("Messages"):
            return
        for message in received["Messages"]:
            if message["MessageId"] not in seen:
                yield message
            seen.add(message["MessageId"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def named(content: str | bytes, at: Attribution, order: int | None = None) -> Landed:
    """Reads a JSON object that says what it is about. Anything else landed too, and names nothing."""
    given = _object(content)
    return Landed(at.intent_in(given), at.item_in(given), order)


def _object(content: str | bytes) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
