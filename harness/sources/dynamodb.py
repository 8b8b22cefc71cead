"""A DynamoDB table's stream: a record for each change of an item, and none for a write that changes nothing (S-31)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, ClassVar

from harness.attribution import plain
from harness.sources.base import Record

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
        return plain(record["dynamodb"]["Keys"] | _image(record))

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
