"""Reads a stream through AWS calls only: which shards it has, and each from its starting position to its end."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.host import Host
from harness.mapping import LATEST, TRIM_HORIZON
from harness.stream_event import Record, created_at, sequence_number, to_record

READ_LIMIT = 1000  # the most that GetRecords allows (S-49)
RETRY_SECONDS = 1.0
MAXIMUM_CALLS = 1000  # for one answer

NOT_FOUND, EXPIRED, TRIMMED = "ResourceNotFoundException", "ExpiredIteratorException", "TrimmedDataAccessException"


class Unreadable(Exception):
    """AWS gave no answer in a thousand calls."""


def describe_shards(host: Host, stream_arn: str) -> list[dict[str, Any]]:
    """The stream's shards as DescribeStream lists them; none when the stream is gone. Raises Unreadable."""
    streams = host.client("dynamodbstreams")
    shards: list[dict[str, Any]] = []
    start: dict[str, str] = {}
    for _ in range(MAXIMUM_CALLS):
        try:
            page = streams.describe_stream(StreamArn=stream_arn, **start)["StreamDescription"]
        except (ClientError, BotoCoreError) as error:
            if _code(error) == NOT_FOUND:
                return []
            host.sleep(RETRY_SECONDS)
            continue
        shards += page["Shards"]
        if not (last := page.get("LastEvaluatedShardId")):
            return shards
        start = {"ExclusiveStartShardId": last}
    raise Unreadable(f"DescribeStream {stream_arn}")


class ShardReader:
    """Keeps the position by sequence number, so that an iterator that has expired (S-48, S-93) costs nothing."""

    def __init__(self, host: Host, stream_arn: str, shard_id: str, starting_position: str) -> None:
        self._host = host
        self._streams = host.client("dynamodbstreams")
        self._shard = {"StreamArn": stream_arn, "ShardId": shard_id}
        self._starting_position = starting_position
        self._position: str | None = None
        self._iterator: str | None = None
        self._latest_at: int | None = None
        self._skip_before = 0
        self.closed = False

    def read(self) -> list[Record]:
        """The next records; an empty list when there are none at present, or, once `closed`, none any more.

        Raises Unreadable.
        """
        for _ in range(MAXIMUM_CALLS):
            if self.closed:
                return []
            try:
                self._iterator = self._iterator or self._new_iterator()
                page = self._streams.get_records(ShardIterator=self._iterator, Limit=READ_LIMIT)
            except (ClientError, BotoCoreError) as error:
                self._recover(_code(error))
            else:
                return self._advance(page)
        raise Unreadable(f"GetRecords {self._shard['ShardId']}")

    def _advance(self, page: dict[str, Any]) -> list[Record]:
        records = [self._dated(to_record(read, self._shard["StreamArn"])) for read in page["Records"]]
        self._iterator = page.get("NextShardIterator")
        self.closed = self._iterator is None
        if records:
            self._position = sequence_number(records[-1])
        return [record for record in records if created_at(record) >= self._skip_before]

    def _dated(self, record: Record) -> Record:
        """Where a record names only the minute, it is taken for as young as it can be."""
        youngest = created_at(record) + (self._host.timestamp_seconds - 1) * 1_000_000
        record["dynamodb"]["ApproximateCreationDateTime"] = min(youngest, self._host.now()) / 1_000_000
        return record

    def _new_iterator(self) -> str:
        if self._position is not None:
            kind = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._position}
        else:
            kind = {"ShardIteratorType": self._starting_position}
            self._skip_before = self._latest_at or 0
        iterator: str = self._streams.get_shard_iterator(**self._shard, **kind)["ShardIterator"]
        if self._starting_position == LATEST:
            # LATEST asked for again would skip what was written in between. If it must be, then its first moment
            # stands for it, in whole seconds, because records carry no more.
            self._latest_at = self._host.now() // 1_000_000 * 1_000_000
            self._starting_position = TRIM_HORIZON
        return iterator

    def _recover(self, code: str) -> None:
        if code == NOT_FOUND:
            self.closed = True
        elif code == EXPIRED:
            self._iterator = None
        elif code == TRIMMED:
            self._iterator, self._position, self._starting_position = None, None, TRIM_HORIZON
        else:
            self._host.sleep(RETRY_SECONDS)


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
