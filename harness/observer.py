"""The second observer: it reads the stream itself, apart from the mapping, and every sink.

A loss or a duplicate is blamed from the difference between what it saw and what was delivered (design, decision 8).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from harness import landings
from harness.attribution import BY_NAME, Attribution, item_as_json
from harness.delivery.on_failure import batch_told
from harness.delivery.shards import StreamReader, reader_of
from harness.delivery.sources import Record as StreamRecord
from harness.history import Value
from harness.landings import Landed
from harness.stack import LEDGER, ON_FAILURE, SOURCE, VIEW, Stack
from harness.stores import Bucket, DataStream, Queue, Table, Topic

Record = Callable[[str, Value], object]  # f, value
Sink = Table | DataStream | Queue | Bucket | Topic
# What DynamoDB, its streams, SQS and S3 answer for what is not there.
GONE = ("ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket")


class Observer:
    """`client` gives a boto3 client that no fault reaches, by the name of its service.

    source: of the source's stream; somebody else may read on in it too. arrival_seconds: what a message may take from
    its sender to where it can be read. applied: what endpoints did.
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
        # A ledger without a stream keeps no order in which its effects landed.
        ordered = [table for table in stack.tables_of(LEDGER) if table.stream_view_type]
        self._landings = [(table, reader_of(client, table)) for table in ordered]
        self._gone: set[str] = set()
        self._landed: dict[tuple[str, str], int] = {}

    def catch_up(self) -> None:
        """Reads what is new in the streams. To be called before records can leave them, after 24 hours."""
        with self._reading(self._stack.source):
            at = self._stack.attribution(self._stack.source)
            self._source.new_records()
            for shard, record in self._source.records[self._observed :]:
                self._record("record", _record_value(shard, record, at))
            self._observed = len(self._source.records)
        for table, reader in self._landings:
            with self._reading(table):
                landed = sorted(reader.new_records(), key=lambda pair: int(pair[1].sequence_number))
                for _, record in landed:
                    key = _key(table, record.event["dynamodb"]["Keys"])
                    self._landed.setdefault((table.name, key), len(self._landed))

    def read_back(self) -> None:
        """Reads everything there is in the end: effects, the source's and the views' items, the dead letters."""
        self.catch_up()
        for table in self._stack.tables_of(LEDGER):
            with self._reading(table):
                self._effects(table)
        for queue in self._stack.queues_of(LEDGER):
            with self._reading(queue):
                at, sqs = self._stack.attribution(queue), self._client("sqs")
                self._landed_in(queue.logical_id, landings.in_queue(sqs, queue, self._arrival_seconds, at))
        for bucket in self._stack.buckets_of(LEDGER):
            with self._reading(bucket):
                at = self._stack.attribution(bucket)
                self._landed_in(bucket.logical_id, landings.in_bucket(self._client("s3"), bucket, at))
        for topic in self._stack.topics_of(LEDGER):
            with self._reading(topic):
                at, sqs = self._stack.attribution(topic), self._client("sqs")
                self._landed_in(topic.logical_id, landings.in_topic(sqs, topic, self._arrival_seconds, at))
        for place, (endpoint, body) in enumerate(self._applied):
            self._landed_in(endpoint, [landings.named(body, BY_NAME, place)])
        for table in self._stack.tables_of(SOURCE):
            with self._reading(table):
                self._states("source", table)
        for table in self._stack.tables_of(VIEW):
            with self._reading(table):
                self._states("view", table)
        for queue in self._stack.queues_of(ON_FAILURE):
            with self._reading(queue):
                self._dead_letters(queue)

    @contextmanager
    def _reading(self, resource: Sink) -> Iterator[None]:
        """What the platform has no longer is written down, once, instead of what would be read there."""
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
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
        for message in landings.messages(self._client("sqs"), queue.name, 0):
            body = json.loads(message["Body"])
            batch = batch_told(body)
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
