"""The two kinds of streams that a mapping can read, how each is read, and what its records say. Pure."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.history import MICROSECONDS, REMOVE
from harness.pipeline.stack import item_as_json

_EVENT_FIELDS = ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")
_CHANGE_FIELDS = ("Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType")


@dataclass(frozen=True, slots=True)
class Record:
    """A stream record. `event` is the record as Lambda's event has it, `filtered` what a filter pattern can match.

    created_at: microseconds since the Unix epoch. key: the same text for all records whose order is kept. intent, item:
    the names of the intent that the record carries and of the item that changed, or "". content: the item as plain
    JSON, as it is after the change, or as it was before a removal; of a stream that lacks that image, its key.
    before: the item before a change, where the stream has that image.
    """

    event: dict[str, Any]
    sequence_number: str
    created_at: int
    key: str
    intent: str
    item: str
    content: dict[str, Any]
    filtered: dict[str, Any]
    before: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        """How many bytes of the event's JSON the record takes, its comma included."""
        return len(_encode(self.event)) + 1


class Source(ABC):
    """A kind of stream. `READER` is boto3's name of the service that reads it.

    ARN, NUMBER: that service's names of two arguments. BATCH_INFO: the field of an on-failure record that describes the
    batch. TIMESPEC: how exactly that field gives times. `client` makes a client of the service that is named to it.
    """

    READER: ClassVar[str]
    ARN: ClassVar[str]
    NUMBER: ClassVar[str]
    BATCH_INFO: ClassVar[str]
    TIMESPEC: ClassVar[str]

    def iterator(self, reader: Any, stream_arn: str, shard_id: str, kind: str, number: str | None = None) -> str:
        """The token of a position in a shard; the kinds that end in SEQUENCE_NUMBER need a `number`."""
        arguments = {self.ARN: stream_arn} | ({self.NUMBER: number} if number is not None else {})
        token: str = reader.get_shard_iterator(ShardId=shard_id, ShardIteratorType=kind, **arguments)["ShardIterator"]
        return token

    @abstractmethod
    def stream_arn(self, client: Callable[[str], Any], name: str) -> str:
        """The ARN of the stream `name`, or of the newest stream of the table `name`."""

    @abstractmethod
    def shards(self, reader: Any, stream_arn: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
        """The page of shards that follows the shard `after`, and whether there are more."""

    @abstractmethod
    def event(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> dict[str, Any]:
        """What boto3's GetRecords returned, as Lambda's event has it."""

    @abstractmethod
    def record(self, event: dict[str, Any]) -> Record: ...

    def to_record(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> Record:
        return self.record(self.event(read, stream_arn, shard_id))

    def dated(self, record: Record, timestamp_seconds: int, now: int) -> Record:
        """The record with the latest time of creation that its timestamp allows, when timestamps are rounded down to
        `timestamp_seconds`; `now` is in microseconds since the epoch."""
        return record


class DynamoDBStream(Source):
    """A table's stream: a record for each change of an item, and none for a write that changes nothing (S-31).

    The event's records have exactly the fields that AWS documents (S-92).
    """

    READER: ClassVar[str] = "dynamodbstreams"
    ARN: ClassVar[str] = "StreamArn"
    NUMBER: ClassVar[str] = "SequenceNumber"
    BATCH_INFO: ClassVar[str] = "DDBStreamBatchInfo"
    TIMESPEC: ClassVar[str] = "seconds"

    def stream_arn(self, client: Callable[[str], Any], name: str) -> str:
        arn: str = client("dynamodb").describe_table(TableName=name)["Table"]["LatestStreamArn"]
        return arn

    def shards(self, reader: Any, stream_arn: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
        start = {"ExclusiveStartShardId": after} if after else {}
        page = reader.describe_stream(StreamArn=stream_arn, **start)["StreamDescription"]
        return page["Shards"], "LastEvaluatedShardId" in page

    def event(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> dict[str, Any]:
        """Times become seconds since the epoch, binary values base64 text."""
        change = read["dynamodb"]
        created = {"ApproximateCreationDateTime": change["ApproximateCreationDateTime"].timestamp()}
        event: dict[str, Any] = {field: read[field] for field in _EVENT_FIELDS if field in read}
        event["dynamodb"] = created | {name: _base64_inside(change[name]) for name in _CHANGE_FIELDS if name in change}
        event["eventSourceARN"] = stream_arn
        if identity := read.get("userIdentity"):
            # Lambda's event spells these two in lower case, the API in upper case.
            event["userIdentity"] = {"principalId": identity["PrincipalId"], "type": identity["Type"]}
        return event

    def record(self, event: dict[str, Any]) -> Record:
        """The key is the item's whole key, partition and sort key. AWS gives the time in whole seconds (S-57)."""
        change = event["dynamodb"]
        keys, old = change["Keys"], change.get("OldImage")
        image = (old if event["eventName"] == REMOVE else change.get("NewImage")) or {}
        named = [keys["id"]] if "id" in keys else list(keys.values())
        return Record(
            event=event,
            sequence_number=str(change["SequenceNumber"]),
            created_at=round(change["ApproximateCreationDateTime"] * MICROSECONDS),
            key=json.dumps(keys, sort_keys=True),
            intent=str(image.get("intent", {}).get("S", "")),
            item="/".join(str(scalar) for part in named for scalar in part.values()),
            content=item_as_json(keys | image),
            filtered=event,
            before=item_as_json(keys | old) if old and event["eventName"] != REMOVE else None,
        )

    def dated(self, record: Record, timestamp_seconds: int, now: int) -> Record:
        latest = min(record.created_at + (timestamp_seconds - 1) * MICROSECONDS, now)
        change = {**record.event["dynamodb"], "ApproximateCreationDateTime": latest / MICROSECONDS}
        return self.record({**record.event, "dynamodb": change})


INVOKE_IDENTITY = "invokeIdentityArn"


class KinesisStream(Source):
    """A data stream: a record for each PutRecord, also for one that repeats the data of the one before (S-55).

    Which role the event names is known only when it is delivered: no reader's call returns it (`payload`).
    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html.
    """

    READER: ClassVar[str] = "kinesis"
    ARN: ClassVar[str] = "StreamARN"
    NUMBER: ClassVar[str] = "StartingSequenceNumber"
    BATCH_INFO: ClassVar[str] = "KinesisBatchInfo"
    TIMESPEC: ClassVar[str] = "milliseconds"

    def stream_arn(self, client: Callable[[str], Any], name: str) -> str:
        summary = client("kinesis").describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        arn: str = summary["StreamARN"]
        return arn

    def shards(self, reader: Any, stream_arn: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
        start = {"ExclusiveStartShardId": after} if after else {}
        page = reader.list_shards(StreamARN=stream_arn, **start)
        return page["Shards"], bool(page.get("NextToken"))

    def event(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> dict[str, Any]:
        _, partition, _, region, account, _ = stream_arn.split(":")
        data = {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": read["PartitionKey"],
            "sequenceNumber": read["SequenceNumber"],
            "data": base64.b64encode(read["Data"]).decode("ascii"),
            "approximateArrivalTimestamp": read["ApproximateArrivalTimestamp"].timestamp(),
        }
        return {
            "kinesis": data,
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{read['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            INVOKE_IDENTITY: f"arn:{partition}:iam::{account}:role/function",
            "awsRegion": region,
            "eventSourceARN": stream_arn,
        }

    def record(self, event: dict[str, Any]) -> Record:
        """The key is the partition key. Data that are not a JSON object have no content. A pattern matches the metadata
        and, as JSON, the data: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html."""
        metadata = event["kinesis"]
        data = _json_or_text(base64.b64decode(metadata["data"]).decode("utf-8", "replace"))
        content = data if isinstance(data, dict) else {}
        return Record(
            event=event,
            sequence_number=str(metadata["sequenceNumber"]),
            created_at=round(metadata["approximateArrivalTimestamp"] * MICROSECONDS),
            key=str(metadata["partitionKey"]),
            intent=str(content.get("intent", "")),
            item=str(content.get("id", metadata["partitionKey"])),
            content=content,
            filtered={**metadata, "data": data},
        )


SOURCES: dict[str, Source] = {"dynamodb": DynamoDBStream(), "kinesis": KinesisStream()}  # by the service in the ARN


def source_at(stream_arn: str) -> Source:
    return SOURCES[stream_arn.split(":")[2]]


def payload(records: Sequence[Record], role_arn: str = "") -> bytes:
    """The event that the function is invoked with. role_arn: of the function's role, where it is known."""
    events = [record.event for record in records]
    if role_arn:
        events = [event | {INVOKE_IDENTITY: role_arn} if INVOKE_IDENTITY in event else event for event in events]
    return _encode({"Records": events})


def sequence_numbers(records: Iterable[Record]) -> list[str]:
    return [record.sequence_number for record in records]


def intents(records: Iterable[Record]) -> tuple[str, ...]:
    """The intents that the records carry, each once, in order."""
    return _unique(record.intent for record in records)


def items(records: Iterable[Record]) -> tuple[str, ...]:
    """The names of the items that changed, each once, in order."""
    return _unique(record.item for record in records)


def history_value(shard_id: str, records: Sequence[Record]) -> dict[str, Any]:
    """How the history names records of a shard."""
    return {"shard": shard_id, "sequence_numbers": sequence_numbers(records), "intents": list(intents(records))}


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _base64_inside(value: Any) -> Any:
    """The value with all bytes inside it as base64 text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: _base64_inside(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_base64_inside(inner) for inner in value]
    return value


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
