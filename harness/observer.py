"""The second observer: it reads the source's stream itself, apart from the mapping, and every sink.

The difference between what it read and what was delivered shows who caused a loss or a duplicate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from harness.delivery.on_failure import batch_info
from harness.delivery.shards import NOT_FOUND, StreamReader, reader_of
from harness.delivery.sources import Record as StreamRecord
from harness.history import Value
from harness.pipeline.attribution import BY_NAME, Attribution, item_as_json
from harness.pipeline.resources import Bucket, Queue, Resource, Table, Topic
from harness.pipeline.stack import LEDGER, ON_FAILURE, SOURCE, VIEW, Stack

Record = Callable[[str, Value], object]  # f, value
# The error codes of DynamoDB, its streams, SQS and S3 for a resource that does not exist.
NOT_FOUND_CODES = (
    NOT_FOUND,
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
)
_MAX_MESSAGES = 100_000
_MESSAGES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Landed:
    """One effect. intent, item: None if the effect does not name them. order: None if the sink keeps no order."""

    intent: str | None
    item: str | None
    order: int | None = None


class Observer:
    """`client` gives a boto3 client that no fault reaches, by the name of its service.

    source: reads the source's stream; others may call it too. arrival_seconds: how long a message may take from its
    sender to its queue. applied: the endpoint and body of each HTTP request that was applied.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        stack: Stack,
        record: Record,
        source: StreamReader,
        arrival_seconds: int = 0,
        applied: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        self._client = client
        self._stack = stack
        self._record = record
        self._arrival_seconds = arrival_seconds
        self._applied = applied
        self._source = source
        self._observed = 0  # records
        # Without a stream the order in which effects reached a ledger is unknown.
        ordered = [table for table in stack.of(Table, LEDGER) if table.stream_view_type]
        self._ordered_ledgers = [(table, reader_of(client, table)) for table in ordered]
        self._gone: set[str] = set()
        self._landed: dict[tuple[str, str], int] = {}

    def catch_up(self) -> None:
        """Reads the new records of the streams. Call it at least every 24 hours, before records expire."""
        with self._reading(self._stack.source):
            at = self._stack.attribution(self._stack.source)
            self._source.new_records()
            for shard, record in self._source.records[self._observed :]:
                self._record("record", _record_value(shard, record, at))
            self._observed = len(self._source.records)
        for table, reader in self._ordered_ledgers:
            with self._reading(table):
                landed = sorted(reader.new_records(), key=lambda pair: int(pair[1].sequence_number))
                for _, record in landed:
                    key = _key(table, record.event["dynamodb"]["Keys"])
                    self._landed.setdefault((table.name, key), len(self._landed))

    def read_back(self) -> None:
        """Reads the final state: effects, the items of the source and of the views, and the dead letters."""
        self.catch_up()
        for table in self._stack.of(Table, LEDGER):
            with self._reading(table):
                self._effects(table)
        for queue in self._stack.of(Queue, LEDGER):
            with self._reading(queue):
                at, sqs = self._stack.attribution(queue), self._client("sqs")
                self._landed_in(queue.logical_id, _in_queue(sqs, queue, self._arrival_seconds, at))
        for bucket in self._stack.of(Bucket, LEDGER):
            with self._reading(bucket):
                at = self._stack.attribution(bucket)
                self._landed_in(bucket.logical_id, _in_bucket(self._client("s3"), bucket, at))
        for topic in self._stack.of(Topic, LEDGER):
            with self._reading(topic):
                at, sqs = self._stack.attribution(topic), self._client("sqs")
                self._landed_in(topic.logical_id, _in_topic(sqs, topic, self._arrival_seconds, at))
        for position, (endpoint, body) in enumerate(self._applied):
            self._landed_in(endpoint, [_landed(body, BY_NAME, position)])
        for table in self._stack.of(Table, SOURCE):
            with self._reading(table):
                self._states("source", table)
        for table in self._stack.of(Table, VIEW):
            with self._reading(table):
                self._states("view", table)
        for queue in self._stack.of(Queue, ON_FAILURE):
            with self._reading(queue):
                self._dead_letters(queue)

    @contextmanager
    def _reading(self, resource: Resource) -> Iterator[None]:
        """A resource that no longer exists is recorded once as gone, and not read."""
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
                raise
            if resource.logical_id not in self._gone:
                self._gone.add(resource.logical_id)
                self._record("gone", {"resource": resource.logical_id})

    def _effects(self, table: Table) -> None:
        rows = [(self._landed.get((table.name, _key(table, row))), row) for row in self._rows(table)]
        at = self._stack.attribution(table)
        for order, row in sorted(rows, key=lambda pair: (pair[0] is None, pair[0] or 0, _key(table, pair[1]))):
            content = item_as_json(row)
            effect = {"sink": table.logical_id, "intent": at.intent_in(content), "item": at.item_in(content)}
            self._record("effect", {**effect, "count": at.count_in(content), "order": order})

    def _landed_in(self, sink: str, landed: Iterable[Landed]) -> None:
        for each in landed:
            effect = {"sink": sink, "intent": each.intent, "item": each.item}
            self._record("effect", {**effect, "count": 1, "order": each.order})

    def _states(self, role: str, table: Table) -> None:
        at = self._stack.attribution(table)
        for row in sorted(self._rows(table), key=lambda row: _key(table, row)):
            content = item_as_json(row)
            counted = {"changes": int(row["changes"]["N"])} if "N" in row.get("changes", {}) else {}
            state = {"role": role, "item": at.item_in(content), "intent": at.intent_in(content)}
            self._record("state", {**state, **counted})

    def _dead_letters(self, queue: Queue) -> None:
        for message in _messages(self._client("sqs"), queue.name, 0):
            body = json.loads(message["Body"])
            batch = batch_info(body)
            value = {"condition": body["requestContext"]["condition"], "shard": batch["shardId"]}
            value |= {"start": batch["startSequenceNumber"], "end": batch["endSequenceNumber"]}
            self._record("dead_letter", {**value, "batch_size": batch["batchSize"]})

    def _rows(self, table: Table) -> Iterator[dict[str, Any]]:
        pages = self._client("dynamodb").get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
        for page in pages:
            yield from page["Items"]


def _record_value(shard: str, record: StreamRecord, at: Attribution) -> Value:
    image = record.content
    return {
        "shard": shard,
        "sequence_number": record.sequence_number,
        "event_id": record.event["eventID"],
        "event_name": record.event["eventName"],
        "item": at.item_in(image),
        "intent": at.intent_in(image),
    }


def _key(table: Table, row: dict[str, Any]) -> str:
    return json.dumps([row[name] for name in table.key_names], sort_keys=True)


def _in_queue(sqs: Any, queue: Queue, arrival_seconds: int, at: Attribution) -> Iterator[Landed]:
    """A FIFO queue hands out each message group in order; a standard queue keeps no order (S-120)."""
    for position, message in enumerate(_messages(sqs, queue.name, arrival_seconds)):
        yield _landed(message["Body"], at, position if queue.fifo else None)


def _in_bucket(s3: Any, bucket: Bucket, at: Attribution) -> Iterator[Landed]:
    """Each object is an effect. Objects are listed by key, so the order in which they came is unknown."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
        for entry in page.get("Contents", ()):
            yield _landed(s3.get_object(Bucket=bucket.name, Key=entry["Key"])["Body"].read(), at)


def _in_topic(sqs: Any, topic: Topic, arrival_seconds: int, at: Attribution) -> Iterator[Landed]:
    """The messages in the topic's inbox. A topic may send one message twice, with the same id: one effect (S-120)."""
    seen: set[str] = set()
    for message in _messages(sqs, topic.inbox.name, arrival_seconds):
        envelope = _object(message["Body"])
        if envelope.get("Type") != "Notification":
            yield _landed(message["Body"], at)
        elif envelope["MessageId"] not in seen:
            seen.add(envelope["MessageId"])
            yield _landed(envelope["Message"], at)


def _messages(sqs: Any, queue: str, arrival_seconds: int) -> Iterator[dict[str, Any]]:
    """Removes and returns the messages of the queue, until none has arrived for `arrival_seconds`.

    A queue may hand one message out twice; it is returned once (S-120)."""
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


def _landed(content: str | bytes, at: Attribution, order: int | None = None) -> Landed:
    """An effect whose content is a JSON object may name its intent and item; any other content names neither."""
    effect = _object(content)
    return Landed(at.intent_in(effect), at.item_in(effect), order)


def _object(content: str | bytes) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
