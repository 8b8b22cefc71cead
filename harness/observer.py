"""The second observer: it reads the source's stream itself, apart from the mapping, and every sink.

The difference between what it read and what was delivered shows who caused a loss or a duplicate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations, islice
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from harness.delivery.redelivery import batch_info
from harness.delivery.shards import NOT_FOUND, StreamReader, reader_of
from harness.history import MAX_CONTENT, Value
from harness.pipeline.resources import Bucket, DataStream, Queue, Resource, Table, Topic
from harness.pipeline.stack import BY_NAME, LEDGER, ON_FAILURE, SOURCE, VIEW, Attribution, Stack, item_as_json

Record = Callable[[str, Value], object]  # f, value
R = TypeVar("R", bound=Resource)
# The error codes of DynamoDB, its streams, SQS and S3 for a resource that does not exist.
NOT_FOUND_CODES = (
    NOT_FOUND,
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
)
MAX_NUMBERS = 50  # of a row of a view, or of an item that has one
MAX_NUMBER = 10**7  # a larger one is a time in seconds or a number of the stream
_MAX_MESSAGES = 100_000
_MESSAGES_AT_ONCE = 10
_HIDDEN_SECONDS = 12 * 3600  # the longest that SQS hides a message; a run ends sooner


class DeadLetters:
    """The messages of the on-failure queue, each received once in a run and left where it is.

    Looking again and again would raise their receive counts, by which a redrive policy moves messages away. So what was
    received is kept here, and stays invisible in the queue until `release`.
    """

    def __init__(self, client: Callable[[str], Any], stack: Stack) -> None:
        self._client = client
        self._queue = next(iter(stack.of(Queue, ON_FAILURE)), None)
        self._received: dict[str, dict[str, Any]] = {}  # by the message's id

    def read(self, arrival_seconds: int = 0) -> list[dict[str, Any]]:
        """The bodies of all messages so far, until none has arrived for `arrival_seconds`."""
        if self._queue is None:
            return []
        for _ in range(_MAX_MESSAGES):
            answer = self._client("sqs").receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_MESSAGES_AT_ONCE,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=arrival_seconds,
            )
            if not answer.get("Messages"):
                break
            self._received.update((message["MessageId"], message) for message in answer["Messages"])
        return [json.loads(message["Body"]) for message in self._received.values()]

    def release(self) -> None:
        """Makes the messages visible again: a queue may outlive its stack."""
        handles = [message["ReceiptHandle"] for message in self._received.values()]
        for first in range(0, len(handles), _MESSAGES_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(handles[first : first + _MESSAGES_AT_ONCE])
            ]
            self._client("sqs").change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    @cached_property
    def _url(self) -> str:
        assert self._queue
        return str(self._client("sqs").get_queue_url(QueueName=self._queue.name)["QueueUrl"])


class Observer:
    """`client` gives a boto3 client that no fault reaches, by the name of its service.

    source: reads the source's stream; others may call it too. arrival_seconds: how long a message may take from its
    sender to its queue. applied: the endpoint and body of each HTTP request that was applied. dead_letters: in which
    others may look too.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        stack: Stack,
        record: Record,
        source: StreamReader,
        dead_letters: DeadLetters,
        arrival_seconds: int = 0,
        applied: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        self._client = client
        self._stack = stack
        self._record = record
        self._arrival_seconds = arrival_seconds
        self._applied = applied
        self._source = source
        self._letters = dead_letters
        self._observed = 0  # records
        # Without a stream the order in which effects reached a ledger is unknown.
        self._ledger_readers = {
            table.name: reader_of(client, table) for table in stack.of(Table, LEDGER) if table.stream_view_type
        }
        self._orders: dict[tuple[str, str], int] = {}  # of effects, by the table and the key
        self._gone: set[str] = set()
        self._items: set[str] = set()  # those of the source

    def catch_up(self) -> None:
        """Reads the new records of the streams. Call it at least every 24 hours, before records expire."""
        self._each([self._stack.source], self._source_records)
        self._each((table for table in self._stack.of(Table, LEDGER) if table.stream_view_type), self._ledger_records)

    def read_back(self) -> None:
        """Reads the final state: effects, the items of the source and of the views, and the dead letters."""
        self.catch_up()
        stack = self._stack
        self._each(stack.of(Table, LEDGER), self._table_effects)
        self._each(stack.of(Queue, LEDGER), self._queue_effects)
        self._each(stack.of(Bucket, LEDGER), self._bucket_effects)
        self._each(stack.of(Topic, LEDGER), self._topic_effects)
        for order, (endpoint, body) in enumerate(self._applied):
            self._effect(endpoint, BY_NAME, _parsed(body), order)
        self._each(stack.of(Table, SOURCE), self._table_states)
        self._each(stack.of(Table, VIEW), self._table_states)
        self._each(stack.of(Bucket, VIEW), self._bucket_states)
        self._each(stack.of(Queue, ON_FAILURE), self._dead_letters)

    def _each(self, resources: Iterable[R], read: Callable[[R], None]) -> None:
        """Reads each resource. One that no longer exists is recorded once as gone."""
        for resource in resources:
            try:
                read(resource)
            except ClientError as error:
                if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
                    raise
                if resource.logical_id not in self._gone:
                    self._gone.add(resource.logical_id)
                    self._record("gone", {"resource": resource.logical_id})

    def _source_records(self, source: Table | DataStream) -> None:
        attribution = self._stack.attribution(source)
        self._source.new_records()
        for shard, record in self._source.records[self._observed :]:
            value = {
                "shard": shard,
                "sequence_number": record.sequence_number,
                "event_id": record.event["eventID"],
                "event_name": record.event["eventName"],
                "item": attribution.item_in(record.content),
                "intent": attribution.intent_in(record.content),
            }
            if record.before is not None:
                value["before"] = attribution.intent_in(record.before)
            self._record("record", value)
        self._observed = len(self._source.records)

    def _ledger_records(self, table: Table) -> None:
        records = self._ledger_readers[table.name].new_records()
        for _, record in sorted(records, key=lambda pair: int(pair[1].sequence_number)):
            self._orders.setdefault((table.name, _key(table, record.event["dynamodb"]["Keys"])), len(self._orders))

    def _table_effects(self, table: Table) -> None:
        rows = [(self._orders.get((table.name, _key(table, row))), row) for row in self._rows(table)]
        attribution = self._stack.attribution(table)
        for order, row in sorted(rows, key=lambda pair: (pair[0] is None, pair[0] or 0, _key(table, pair[1]))):
            content = item_as_json(row)
            self._effect(table.logical_id, attribution, content, order, attribution.count_in(content))

    def _queue_effects(self, queue: Queue) -> None:
        """A FIFO queue hands out each message group in order; a standard queue keeps no order (S-120)."""
        attribution = self._stack.attribution(queue)
        for position, message in enumerate(self._messages(queue)):
            order = position if queue.fifo else None
            self._effect(queue.logical_id, attribution, _parsed(message["Body"]), order)

    def _bucket_effects(self, bucket: Bucket) -> None:
        """Each object is an effect. Objects are listed by key, so the order in which they came is unknown."""
        attribution = self._stack.attribution(bucket)
        for _, content in self._objects(bucket):
            self._effect(bucket.logical_id, attribution, content)

    def _topic_effects(self, topic: Topic) -> None:
        """The messages in the topic's inbox. A topic may send a message twice, with the same id: one effect (S-120)."""
        attribution = self._stack.attribution(topic)
        message_ids: set[str] = set()
        for message in self._messages(topic.inbox):
            content = _parsed(message["Body"])
            if isinstance(content, dict) and content.get("Type") == "Notification":
                if content["MessageId"] in message_ids:
                    continue
                message_ids.add(content["MessageId"])
                content = _parsed(content["Message"])
            self._effect(topic.logical_id, attribution, content)

    def _effect(
        self, sink: str, attribution: Attribution, content: Any, order: int | None = None, count: int = 1
    ) -> None:
        """`order` is None where the sink keeps none. The content may name the effect's intent and item."""
        effect = {"sink": sink, "intent": attribution.intent_in(content), "item": attribution.item_in(content)}
        self._record("effect", {**effect, "count": count, "order": order, **_nameless(effect, content)})

    def _table_states(self, table: Table) -> None:
        attribution = self._stack.attribution(table)
        for row in sorted(self._rows(table), key=lambda row: _key(table, row)):
            content = item_as_json(row)
            changes = {"changes": int(row["changes"]["N"])} if "N" in row.get("changes", {}) else {}
            self._state(table, attribution.item_in(content), content, **changes)

    def _bucket_states(self, bucket: Bucket) -> None:
        """An object is the state of the item that its content names, or else its key."""
        attribution = self._stack.attribution(bucket)
        for key, content in self._objects(bucket):
            self._state(bucket, attribution.item_in(content) or _item_in_key(key, self._items), content)

    def _state(self, resource: Table | Bucket, item: str | None, content: Any, **more: int) -> None:
        attribution = self._stack.attribution(resource)
        state = {"role": str(resource.role), "item": item, "intent": attribution.intent_in(content)}
        if resource.role == SOURCE and item is not None:
            self._items.add(item)
        numbers = dict(islice(_numbers(content), MAX_NUMBERS)) if self._stack.views else {}
        if attribution.count:
            numbers[attribution.count] = attribution.count_in(content)
        counted = {"numbers": numbers} if numbers else {}
        self._record(
            "state", {"resource": resource.logical_id, **state, **more, **counted, **_nameless(state, content)}
        )

    def _dead_letters(self, queue: Queue) -> None:
        for body in self._letters.read(self._arrival_seconds):
            batch = batch_info(body)
            value = {"condition": body["requestContext"]["condition"], "shard": batch["shardId"]}
            value |= {"start": batch["startSequenceNumber"], "end": batch["endSequenceNumber"]}
            self._record("dead_letter", {**value, "batch_size": batch["batchSize"]})

    def _rows(self, table: Table) -> Iterator[dict[str, Any]]:
        pages = self._client("dynamodb").get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
        for page in pages:
            yield from page["Items"]

    def _objects(self, bucket: Bucket) -> Iterator[tuple[str, Any]]:
        """The key and the content of each, by key."""
        s3 = self._client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
            for entry in page.get("Contents", ()):
                body = s3.get_object(Bucket=bucket.name, Key=entry["Key"])["Body"].read()
                yield entry["Key"], _parsed(body)

    def _messages(self, queue: Queue) -> Iterator[dict[str, Any]]:
        """Removes and returns the messages of the queue, until none has arrived for so long as one may take.

        A queue may hand one message out twice; it is returned once (S-120).
        """
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
        returned: set[str] = set()
        for _ in range(_MAX_MESSAGES):
            received = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=_MESSAGES_AT_ONCE, WaitTimeSeconds=self._arrival_seconds
            )
            if not received.get("Messages"):
                return
            for message in received["Messages"]:
                if message["MessageId"] not in returned:
                    yield message
                returned.add(message["MessageId"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _numbers(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """What a row may count or add up, by path: its numbers, but for times and the like, and how long its lists are."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _numbers(value, f"{path}.{name}" if path else name)
    elif isinstance(content, list):
        yield f"length({path})", len(content)
    elif isinstance(content, int | float) and not isinstance(content, bool) and abs(content) < MAX_NUMBER:
        yield path, content


def _key(table: Table, row: dict[str, Any]) -> str:
    return json.dumps([row[name] for name in table.key_names], sort_keys=True)


def _item_in_key(key: str, items: Collection[str]) -> str:
    """The item that the key of an object names, whole or by a part of it: `todos/todo-1.json` is of todo-1.

    The key itself where it names none: of an item that is gone.
    """
    names = (path.split("/") for path in (key, key.rpartition(".")[0]))
    spans = ("/".join(parts[begin:end]) for parts in names for begin, end in combinations(range(len(parts) + 1), 2))
    return max((span for span in spans if span in items), key=len, default=key)


def _parsed(content: str | bytes) -> Any:
    """The content where it is JSON; else its text, or of bytes that are no text how they begin."""
    try:
        return json.loads(content)
    except ValueError:
        return content if isinstance(content, str) else content.decode("utf-8", "backslashreplace")


def _nameless(named: Value, content: Any) -> Value:
    """What is in a row that names no intent, as JSON: the only way to tell such a row from another."""
    if named["intent"] is not None:
        return {}
    return {"content": json.dumps(content, sort_keys=True, ensure_ascii=False)[:MAX_CONTENT]}
