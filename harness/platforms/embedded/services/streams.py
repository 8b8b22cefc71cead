"""The embedded DynamoDB Streams: the record of a change, the streams, and the four calls that read them.

The rules are S-30 to S-58. A record is computed from the images of the item before and after the change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from harness.dynamodb.values import Item, size
from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.history import MICROSECONDS
from harness.platforms.base import Reply, Request
from harness.platforms.embedded.services.shard import Iterator, Numbers, Refused, Shard

VIEW_TYPES = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")

Record = dict[str, Any]


def event_name(before: Item | None, after: Item | None) -> str | None:
    """INSERT, MODIFY or REMOVE; None for an item that is the same by value, which writes no record (S-31 to S-37).

    Images are canonical (values.canonical): their numbers have one spelling and their sets one order. The order of a
    list counts (S-34).
    """
    if before == after:
        return None
    if before is None:
        return "INSERT"
    return "REMOVE" if after is None else "MODIFY"


def stream_record(
    view_type: str, keys: Item, before: Item | None, after: Item | None, sequence_number: str, event_id: str, now: int
) -> Record | None:
    """The record as GetRecords returns it, or None where nothing changed.

    `now` is in microseconds since the Unix epoch; the record carries whole seconds (S-57). A change of a non-key
    attribute writes a record under KEYS_ONLY too (S-45).
    """
    name = event_name(before, after)
    if name is None:
        return None
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": now // MICROSECONDS,
        "Keys": keys,
        "SequenceNumber": sequence_number,
        "SizeBytes": size(keys),
        "StreamViewType": view_type,
    }
    for image, content, views in (
        ("NewImage", after, ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")),
        ("OldImage", before, ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")),
    ):
        if content is not None and view_type in views:
            change[image] = content
            change["SizeBytes"] += size(content)
    return {
        "eventID": event_id,
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
    }


MAX_RECORDS = 1000
MAX_BYTES = 1_000_000
MAX_LISTED = 100
# Numbers have 22 digits, and from some record on 23, so that text order is not their order (S-41).
SEQUENCE_STEP, ONE_MORE_DIGIT = 10**20, 10**22
# How many numbers have fewer, as the seed says. Each stream takes one when it is made, and all streams share them.
FEWEST_SHORTER, MOST_SHORTER = 4, 16
ITERATOR_LIFE_MICROSECONDS = 15 * 60 * MICROSECONDS  # S-48

Body = dict[str, Any]


class Stream:
    """One stream of one table. It can still be read after it was disabled (S-53)."""

    def __init__(self, arn: str, table: str, key_schema: list[Body], view_type: str, now: int) -> None:
        self.arn = arn
        self.table = table
        self.key_schema = key_schema
        self.view_type = view_type
        self.created = now
        self.enabled = True
        self.shards: list[Shard] = []

    @property
    def label(self) -> str:
        return self.arn.rpartition("/")[2]

    def summary(self) -> Body:
        return {"StreamArn": self.arn, "TableName": self.table, "StreamLabel": self.label}


class Streams:
    """`now` is in microseconds since the Unix epoch; `shards` is how many shards every stream has.

    `on_record(stream_arn, shard_id)` is called when a record has been appended. No shard is ever split (S-47).
    """

    def __init__(
        self,
        now: Callable[[], int],
        seed: Seed,
        shards: int = 1,
        on_record: Callable[[str, str], None] | None = None,
    ) -> None:
        self._now = now
        self._seed = seed
        self._shards = shards
        self._on_record = on_record
        shorter = seed.between(FEWEST_SHORTER, MOST_SHORTER, "numbers before one more digit")
        self._numbers = Numbers(seed, "sequence number", SEQUENCE_STEP, ONE_MORE_DIGIT - (shorter + 1) * SEQUENCE_STEP)
        self._streams: dict[str, Stream] = {}
        self._operations: dict[str, Callable[[Body], Body]] = {
            "ListStreams": self._list_streams,
            "DescribeStream": self._describe_stream,
            "GetShardIterator": self._get_shard_iterator,
            "GetRecords": self._get_records,
        }

    def open(self, table: str, table_arn: str, key_schema: list[Body], view_type: str) -> Stream:
        """A new stream of the table, under a new ARN (S-53). Raises Refused for an unknown view type."""
        if view_type not in VIEW_TYPES:
            raise Refused("ValidationException", f"StreamViewType: {view_type}. Known: {', '.join(VIEW_TYPES)}")
        milliseconds = self._now() // 1000
        while (arn := f"{table_arn}/stream/{_label(milliseconds)}") in self._streams:
            milliseconds += 1
        stream = Stream(arn, table, key_schema, view_type, self._now())
        stream.shards = [Shard(self._shard_id(arn, n, milliseconds), self._numbers) for n in range(self._shards)]
        self._streams[arn] = stream
        return stream

    def close(self, stream: Stream) -> None:
        """Disables the stream and closes its shards, which stay readable."""
        stream.enabled = False
        for shard in stream.shards:
            shard.close(self._numbers)

    def changed(
        self, stream: Stream, key: Item, before: Item | None, after: Item | None, expired: bool = False
    ) -> None:
        """Appends the record of a change, if there is one. The images are canonical, and the stream keeps them.

        The record of an item that has `expired` says that the service itself deleted it (S-52).
        The partition key alone chooses the shard, so the records of one item are in one shard, in order (S-39).
        """
        if before == after:
            return
        shard = self._shard_of(stream, key)
        number = self._numbers.next()
        event_id = blake2b(f"{self._seed.value}/{number}".encode(), digest_size=16).hexdigest()
        record = stream_record(stream.view_type, key, before, after, str(number), event_id, self._now())
        if record is not None:
            if expired:
                record["userIdentity"] = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
            shard.append(number, self._now(), record, record["dynamodb"]["SizeBytes"])
            if self._on_record:
                self._on_record(stream.arn, shard.id)

    def handle(self, request: Request) -> Reply:
        request.check_imitated(self._operations)
        try:
            return Reply.of(self._operations[request.operation](json.loads(request.body)))
        except Refused as refused:
            return Reply.error(refused.code, refused.message)

    def _shard_id(self, arn: str, index: int, milliseconds: int) -> str:
        tail = self._seed.random("shard id", arn, index).getrandbits(32)
        return f"shardId-{milliseconds + index:020d}-{tail:08x}"

    def _shard_of(self, stream: Stream, key: Item) -> Shard:
        if len(stream.shards) == 1:
            return stream.shards[0]
        partition = next(part["AttributeName"] for part in stream.key_schema if part["KeyType"] == "HASH")
        chosen = self._seed.between(0, len(stream.shards) - 1, "shard", json.dumps(key[partition]))
        return stream.shards[chosen]

    def _stream(self, arn: str) -> Stream:
        if arn not in self._streams:
            raise Refused("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
        return self._streams[arn]

    def _list_streams(self, body: Body) -> Body:
        listed = [stream for stream in self._streams.values() if body.get("TableName") in (None, stream.table)]
        arns = [stream.arn for stream in listed]
        start = body.get("ExclusiveStartStreamArn")
        first = arns.index(start) + 1 if start in arns else 0
        page = listed[first : first + body.get("Limit", MAX_LISTED)]
        more = {"LastEvaluatedStreamArn": page[-1].arn} if page and page[-1] is not listed[-1] else {}
        return {"Streams": [stream.summary() for stream in page], **more}

    def _describe_stream(self, body: Body) -> Body:
        if "ShardFilter" in body:
            raise NotImitated("dynamodbstreams.DescribeStream with ShardFilter is not imitated: no shard has a child")
        stream = self._stream(body["StreamArn"])
        ids = [shard.id for shard in stream.shards]
        start = body.get("ExclusiveStartShardId")
        first = ids.index(start) + 1 if start in ids else 0
        page = stream.shards[first : first + body.get("Limit", MAX_LISTED)]
        more = {"LastEvaluatedShardId": page[-1].id} if page and page[-1] is not stream.shards[-1] else {}
        description = {
            **stream.summary(),
            "StreamStatus": "ENABLED" if stream.enabled else "DISABLED",
            "StreamViewType": stream.view_type,
            "CreationRequestDateTime": stream.created // 1000 / 1000,
            "KeySchema": stream.key_schema,
            "Shards": [shard.describe() for shard in page],
            **more,
        }
        return {"StreamDescription": description}

    def _get_shard_iterator(self, body: Body) -> Body:
        shard = self._find_shard(self._stream(body["StreamArn"]), body["ShardId"])
        shard.trim(self._now())
        position = shard.position(body["ShardIteratorType"], body.get("SequenceNumber"))
        return {"ShardIterator": Iterator(body["StreamArn"], shard.id, position, self._now()).token()}

    def _get_records(self, body: Body) -> Body:
        limit = body.get("Limit", MAX_RECORDS)
        if not 1 <= limit <= MAX_RECORDS:
            raise Refused("ValidationException", f"Limit {limit} is out of range. Valid: 1 to {MAX_RECORDS}")
        iterator = Iterator.of(body["ShardIterator"], self._now(), ITERATOR_LIFE_MICROSECONDS)
        shard = self._find_shard(self._stream(iterator.stream_arn), iterator.shard_id)
        shard.trim(self._now())
        records = shard.read(iterator.position, limit, MAX_BYTES)
        position = iterator.position + len(records)
        if shard.ended(position):
            return {"Records": records}
        return {
            "Records": records,
            "NextShardIterator": Iterator(iterator.stream_arn, shard.id, position, self._now()).token(),
        }

    def _find_shard(self, stream: Stream, shard_id: str) -> Shard:
        for shard in stream.shards:
            if shard.id == shard_id:
                return shard
        raise Refused("ResourceNotFoundException", f"Requested resource not found: Shard: {shard_id} not found")


def _label(milliseconds: int) -> str:
    """The moment a stream was enabled, as AWS writes it into the ARN."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}"
