"""A Kinesis stream: a record for each PutRecord, also for one that says the same as the one before (S-55)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, ClassVar

from harness.sources.base import Record

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
