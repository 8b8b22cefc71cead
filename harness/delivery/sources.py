"""The contract of a source: a kind of stream that a mapping reads, how it is read, and what its records say. Pure.

A record here is always one of Lambda's event: plain JSON, which keeps what is its own under the word of its source.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol

from harness.attribution import item_as_json

Record = dict[str, Any]


class Source(Protocol):
    """`READER` is boto3's name of the service that reads such streams.

    BATCH_INFO, TIMESPEC: under which word an on-failure record tells its batch, and how exactly it tells the time.
    """

    READER: ClassVar[str]
    BATCH_INFO: ClassVar[str]
    TIMESPEC: ClassVar[str]

    def stream_arn(self, client: Callable[[str], Any], name: str) -> str:
        """The ARN of the stream of that name; of a table, that of its newest one. `client` is by a service's name."""

    def shards(self, reader: Any, stream_arn: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
        """A page of shards, those behind the shard `after`, and whether there are more."""

    def iterator(self, reader: Any, stream_arn: str, shard_id: str, kind: str, number: str | None = None) -> str:
        """The token of a position in a shard; `number` goes with the kinds that end in SEQUENCE_NUMBER."""

    def to_record(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> Record:
        """What boto3's GetRecords returned, as Lambda's event has it."""

    def dated(self, record: Record, timestamp_seconds: int, now: int) -> Record:
        """The record, taken for as young as it can be where it was dated to so many seconds only; `now` in µs."""

    def sequence_number(self, record: Record) -> str: ...

    def created_at(self, record: Record) -> int:
        """Microseconds since the Unix epoch."""

    def key(self, record: Record) -> str:
        """What keeps its order: the same text for the records of one item."""

    def intent(self, record: Record) -> str:
        """The intent that the record carries, or ""."""

    def item(self, record: Record) -> str:
        """The name of the item that it is about, or ""."""

    def content(self, record: Record) -> dict[str, Any]:
        """The item as plain JSON: as it is after the change, else as it was before."""

    def filtered(self, record: Record) -> dict[str, Any]:
        """What the patterns of a mapping's filters are about."""


_EVENT_FIELDS = ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")
_CHANGE_FIELDS = ("Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType")


class DynamoDBStream:
    """Records have the fields of S-92 and no others."""

    READER: ClassVar[str] = "dynamodbstreams"
    BATCH_INFO: ClassVar[str] = "DDBStreamBatchInfo"
    TIMESPEC: ClassVar[str] = "seconds"

    def stream_arn(self, client: Callable[[str], Any], name: str) -> str:
        arn: str = client("dynamodb").describe_table(TableName=name)["Table"]["LatestStreamArn"]
        return arn

    def shards(self, reader: Any, stream_arn: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
        start = {"ExclusiveStartShardId": after} if after else {}
        page = reader.describe_stream(StreamArn=stream_arn, **start)["StreamDescription"]
        return page["Shards"], "LastEvaluatedShardId" in page

    def iterator(self, reader: Any, stream_arn: str, shard_id: str, kind: str, number: str | None = None) -> str:
        at = {"SequenceNumber": number} if number is not None else {}
        answer = reader.get_shard_iterator(StreamArn=stream_arn, ShardId=shard_id, ShardIteratorType=kind, **at)
        token: str = answer["ShardIterator"]
        return token

    def to_record(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> Record:
        """Times become seconds since the epoch, binary values base64 text."""
        change = read["dynamodb"]
        created = {"ApproximateCreationDateTime": change["ApproximateCreationDateTime"].timestamp()}
        record: Record = {field: read[field] for field in _EVENT_FIELDS if field in read}
        record["dynamodb"] = created | {field: _plain(change[field]) for field in _CHANGE_FIELDS if field in change}
        record["eventSourceARN"] = stream_arn
        if identity := read.get("userIdentity"):
            # Lambda's event spells these two in lower case, the API in upper case.
            record["userIdentity"] = {"principalId": identity["PrincipalId"], "type": identity["Type"]}
        return record

    def dated(self, record: Record, timestamp_seconds: int, now: int) -> Record:
        youngest = self.created_at(record) + (timestamp_seconds - 1) * 1_000_000
        record["dynamodb"]["ApproximateCreationDateTime"] = min(youngest, now) / 1_000_000
        return record

    def sequence_number(self, record: Record) -> str:
        return str(record["dynamodb"]["SequenceNumber"])

    def created_at(self, record: Record) -> int:
        """AWS keeps whole seconds only (S-57)."""
        seconds: float = record["dynamodb"]["ApproximateCreationDateTime"]
        return round(seconds * 1_000_000)

    def key(self, record: Record) -> str:
        """The item's whole key, partition and sort key."""
        return json.dumps(record["dynamodb"]["Keys"], sort_keys=True)

    def intent(self, record: Record) -> str:
        return str(_image(record).get("intent", {}).get("S", ""))

    def item(self, record: Record) -> str:
        keys = record["dynamodb"]["Keys"]
        parts = [keys["id"]] if "id" in keys else list(keys.values())
        return "/".join(str(scalar) for part in parts for scalar in part.values())

    def content(self, record: Record) -> dict[str, Any]:
        return item_as_json(record["dynamodb"]["Keys"] | _image(record))

    def filtered(self, record: Record) -> dict[str, Any]:
        return record


def _image(record: Record) -> dict[str, Any]:
    change = record["dynamodb"]
    image: dict[str, Any] = change.get("NewImage") or change.get("OldImage") or {}
    return image


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


EVENT_NAME = "aws:kinesis:record"


class KinesisStream:
    """Of an event's record nothing but the name of the role is made up, which no call of a reader tells.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html.
    """

    READER: ClassVar[str] = "kinesis"
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

    def iterator(self, reader: Any, stream_arn: str, shard_id: str, kind: str, number: str | None = None) -> str:
        at = {"StartingSequenceNumber": number} if number is not None else {}
        answer = reader.get_shard_iterator(StreamARN=stream_arn, ShardId=shard_id, ShardIteratorType=kind, **at)
        token: str = answer["ShardIterator"]
        return token

    def to_record(self, read: dict[str, Any], stream_arn: str, shard_id: str) -> Record:
        _, partition, _, region, account, _ = stream_arn.split(":")
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": read["PartitionKey"],
                "sequenceNumber": read["SequenceNumber"],
                "data": base64.b64encode(read["Data"]).decode("ascii"),
                "approximateArrivalTimestamp": read["ApproximateArrivalTimestamp"].timestamp(),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{read['SequenceNumber']}",
            "eventName": EVENT_NAME,
            "invokeIdentityArn": f"arn:{partition}:iam::{account}:role/function",
            "awsRegion": region,
            "eventSourceARN": stream_arn,
        }

    def dated(self, record: Record, timestamp_seconds: int, now: int) -> Record:
        """Records carry milliseconds, everywhere."""
        return record

    def sequence_number(self, record: Record) -> str:
        return str(record["kinesis"]["sequenceNumber"])

    def created_at(self, record: Record) -> int:
        seconds: float = record["kinesis"]["approximateArrivalTimestamp"]
        return round(seconds * 1_000_000)

    def key(self, record: Record) -> str:
        """The partition key."""
        return str(record["kinesis"]["partitionKey"])

    def intent(self, record: Record) -> str:
        return str(self.content(record).get("intent", ""))

    def item(self, record: Record) -> str:
        return str(self.content(record).get("id", self.key(record)))

    def content(self, record: Record) -> dict[str, Any]:
        """Its data, where that is a JSON object; anything else says nothing."""
        said = _data(record)
        return said if isinstance(said, dict) else {}

    def filtered(self, record: Record) -> dict[str, Any]:
        """The metadata with the data as JSON, where it is: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html."""
        return {**record["kinesis"], "data": _data(record)}


def _data(record: Record) -> Any:
    """As JSON, or as text where it is none."""
    text = base64.b64decode(record["kinesis"]["data"]).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


SOURCES: dict[str, Source] = {"dynamodb": DynamoDBStream(), "kinesis": KinesisStream()}


def source_at(stream_arn: str) -> Source:
    """By the service in the ARN."""
    return SOURCES[stream_arn.split(":")[2]]


def source_of(record: Record) -> Source:
    """By the word under which the record keeps what is its own."""
    return next(source for word, source in SOURCES.items() if word in record)


def payload(records: Sequence[Record]) -> bytes:
    """The event that the function is invoked with."""
    return _encode({"Records": records})


def size(record: Record) -> int:
    """How many bytes of the event's JSON the record takes, its comma included."""
    return len(_encode(record)) + 1


def sequence_number(record: Record) -> str:
    return source_of(record).sequence_number(record)


def sequence_numbers(records: Iterable[Record]) -> list[str]:
    return [sequence_number(record) for record in records]


def created_at(record: Record) -> int:
    """Microseconds since the Unix epoch."""
    return source_of(record).created_at(record)


def intents(records: Iterable[Record]) -> tuple[str, ...]:
    """The intents that the records carry, each once, in order."""
    return _unique(source_of(record).intent(record) for record in records)


def items(records: Iterable[Record]) -> tuple[str, ...]:
    """The names of the items concerned, each once, in order."""
    return _unique(source_of(record).item(record) for record in records)


def key(record: Record) -> str:
    """What keeps its order, as one text."""
    return source_of(record).key(record)


def content(record: Record) -> dict[str, Any]:
    """The item that it is about, as plain JSON."""
    return source_of(record).content(record)


def filtered(record: Record) -> dict[str, Any]:
    """What the patterns of a mapping's filters are about."""
    return source_of(record).filtered(record)


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
