"""The embedded Kinesis: streams that are never resharded, PutRecord and PutRecords, and the calls that read them.

Every PutRecord is a record of its own with a sequence number of its own, also when the SDK repeats it (S-55): the
service has no way to know. Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from harness.errors import NotImitated, nearest
from harness.faults.points import Seed
from harness.history import MICROSECONDS
from harness.pipeline.resources import DATA_STREAM, RETENTION_SECONDS, attribute
from harness.platforms.base import Reply, Request
from harness.platforms.embedded.services.shard import Iterator, Numbers, Refused, Shard

MAX_RECORDS = 10_000
MAX_BATCH_RECORDS = 500  # of a PutRecords
MAX_PAGE_BYTES = 10 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024  # data and partition key together
MAX_KEY_CHARACTERS = 256
MAX_LISTED = 1000
ITERATOR_LIFE_MICROSECONDS = 5 * 60 * MICROSECONDS
HASH_KEYS = 2**128
# Numbers have 56 digits.
SEQUENCE_BASE, SEQUENCE_STEP = 49 * 10**54, 10**40

Body = dict[str, Any]
# Kinesis names this error differently from DynamoDB Streams.
_CODES = {"ValidationException": "InvalidArgumentException"}
_OLDEST = "TRIM_HORIZON"
_STREAM = frozenset({"StreamName", "StreamARN"})


class Kinesis:
    """`now` is in microseconds since the epoch. `on_record(shard_id)` is called when a record has been appended."""

    def __init__(
        self, now: Callable[[], int], seed: Seed, on_record: Callable[[str], None] = lambda shard: None
    ) -> None:
        self._now = now
        self._on_record = on_record
        self._numbers = Numbers(seed, "kinesis sequence number", SEQUENCE_STEP, SEQUENCE_BASE)
        self._streams: dict[str, list[Shard]] = {}
        self._created: dict[str, int] = {}
        # Each call with the parameters of it that are imitated.
        self._operations: dict[str, tuple[Callable[[Body], Body], frozenset[str]]] = {
            "CreateStream": (self._create_stream, frozenset({"StreamName", "ShardCount"})),
            "DescribeStreamSummary": (self._describe_stream_summary, _STREAM),
            "ListShards": (self._list_shards, _STREAM | {"ExclusiveStartShardId", "MaxResults"}),
            "GetShardIterator": (
                self._get_shard_iterator,
                _STREAM | {"ShardId", "ShardIteratorType", "StartingSequenceNumber"},
            ),
            "GetRecords": (self._get_records, frozenset({"ShardIterator", "Limit", "StreamARN"})),
            "PutRecord": (
                self._put_record,
                _STREAM | {"Data", "PartitionKey", "ExplicitHashKey", "SequenceNumberForOrdering"},
            ),
            "PutRecords": (self._put_records, _STREAM | {"Records"}),
        }

    def handle(self, request: Request) -> Reply:
        request.check_imitated(self._operations)
        operation, members = self._operations[request.operation]
        body = json.loads(request.body)
        for name in body:
            if name not in members:
                raise NotImitated(f"{name} of kinesis.{request.operation} is not imitated. {nearest(name, members)}")
        try:
            return Reply.of(operation(body))
        except Refused as refused:
            return Reply.error(_CODES.get(refused.code, refused.code), refused.message)

    def _create_stream(self, body: Body) -> Body:
        name = body["StreamName"]
        if name in self._streams:
            raise Refused("ResourceInUseException", f"Stream {name} under account already exists.")
        self._streams[name] = [Shard(f"shardId-{n:012d}", self._numbers) for n in range(body["ShardCount"])]
        self._created[name] = self._now()
        return {}

    def _describe_stream_summary(self, body: Body) -> Body:
        name = self._name(body)
        summary = {
            "StreamName": name,
            "StreamARN": attribute(DATA_STREAM, name),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "RetentionPeriodHours": RETENTION_SECONDS // 3600,
            "StreamCreationTimestamp": self._created[name] // MICROSECONDS,
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "EncryptionType": "NONE",
            "OpenShardCount": len(self._streams[name]),
            "ConsumerCount": 0,
        }
        return {"StreamDescriptionSummary": summary}

    def _list_shards(self, body: Body) -> Body:
        shards = self._streams[self._name(body)]
        ids = [shard.id for shard in shards]
        start = body.get("ExclusiveStartShardId")
        first = ids.index(start) + 1 if start in ids else 0
        last = min(len(shards), first + body.get("MaxResults", MAX_LISTED))
        listed = [shards[n].describe() | {"HashKeyRange": _hash_keys(n, len(shards))} for n in range(first, last)]
        return {"Shards": listed, **({"NextToken": ids[last - 1]} if last < len(shards) else {})}

    def _get_shard_iterator(self, body: Body) -> Body:
        name = self._name(body)
        shard = self._shard(name, body["ShardId"])
        shard.trim(self._now())
        try:
            position = shard.position(body["ShardIteratorType"], body.get("StartingSequenceNumber"))
        except Refused as refused:
            if refused.code != "TrimmedDataAccessException":
                raise
            position = shard.position(_OLDEST, None)
        return {"ShardIterator": self._token(name, shard, position)}

    def _get_records(self, body: Body) -> Body:
        limit = body.get("Limit", MAX_RECORDS)
        if not 1 <= limit <= MAX_RECORDS:
            raise Refused("InvalidArgumentException", f"Limit {limit} is out of range. Valid: 1 to {MAX_RECORDS}")
        iterator = Iterator.of(body["ShardIterator"], self._now(), ITERATOR_LIFE_MICROSECONDS)
        name = self._name({"StreamARN": iterator.stream_arn})
        shard = self._shard(name, iterator.shard_id)
        shard.trim(self._now())
        # Kinesis skips records that have left the stream and reports no error.
        position = max(iterator.position, shard.position(_OLDEST, None))
        records = shard.read(position, limit, MAX_PAGE_BYTES)
        position += len(records)
        waiting = shard.waiting_since(position)
        return {
            "Records": records,
            "NextShardIterator": self._token(name, shard, position),
            "MillisBehindLatest": 0 if waiting is None else max(1, (self._now() - waiting) // 1000),
        }

    def _put_record(self, body: Body) -> Body:
        return {**self._append(self._streams[self._name(body)], body), "EncryptionType": "NONE"}

    def _put_records(self, body: Body) -> Body:
        shards, records = self._streams[self._name(body)], body["Records"]
        if not 1 <= len(records) <= MAX_BATCH_RECORDS:
            raise Refused("InvalidArgumentException", f"Records has 1 to {MAX_BATCH_RECORDS} entries")
        written = [self._append(shards, record) for record in records]
        return {"FailedRecordCount": 0, "Records": written, "EncryptionType": "NONE"}

    def _append(self, shards: list[Shard], body: Body) -> Body:
        key, data = body["PartitionKey"], body["Data"]
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise Refused("InvalidArgumentException", f"PartitionKey has 1 to {MAX_KEY_CHARACTERS} characters")
        size = len(base64.b64decode(data)) + len(key.encode())
        if size > MAX_RECORD_BYTES:
            raise Refused("InvalidArgumentException", f"the record has {size} bytes; at most {MAX_RECORD_BYTES}")
        digest = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
        hashed = int(body["ExplicitHashKey"]) if "ExplicitHashKey" in body else int(digest, 16)
        shard = shards[hashed * len(shards) // HASH_KEYS]
        number, now = self._numbers.next(), self._now()
        record = {
            "SequenceNumber": str(number),
            "ApproximateArrivalTimestamp": now // 1000 / 1000,
            "Data": data,
            "PartitionKey": key,
            "EncryptionType": "NONE",
        }
        shard.append(number, now, record, size)
        self._on_record(shard.id)
        return {"ShardId": shard.id, "SequenceNumber": str(number)}

    def _token(self, name: str, shard: Shard, position: int) -> str:
        return Iterator(attribute(DATA_STREAM, name), shard.id, position, self._now()).token()

    def _name(self, body: Body) -> str:
        name = str(body.get("StreamName") or body["StreamARN"].rpartition("/")[2])
        if name not in self._streams:
            raise Refused("ResourceNotFoundException", f"Stream {name} under account not found.")
        return name

    def _shard(self, name: str, shard_id: str) -> Shard:
        for shard in self._streams[name]:
            if shard.id == shard_id:
                return shard
        raise Refused("ResourceNotFoundException", f"Could not find shard {shard_id} in stream {name}.")


def _hash_keys(index: int, count: int) -> dict[str, str]:
    """The part of all hash keys that a shard takes: equal parts, as CreateStream cuts them."""
    bounds = [-(-HASH_KEYS * n // count) for n in (index, index + 1)]
    return {"StartingHashKey": str(bounds[0]), "EndingHashKey": str(bounds[1] - 1)}
