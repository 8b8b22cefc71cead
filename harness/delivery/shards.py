"""Reads a stream through AWS calls only: its shards, and their records.

The dispatcher's ShardReader reads one shard, page by page, and repeats calls that fail. The observer's StreamReader
reads all shards of a stream from their beginning. Both keep their position in a shard with a ShardCursor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.delivery.deliveries import DispatcherHost
from harness.delivery.redelivery import pause
from harness.delivery.sources import SOURCES, Record, Source, source_at
from harness.history import MICROSECONDS
from harness.pipeline.resources import LATEST, TRIM_HORIZON, DataStream, Table

READ_LIMIT = 1000  # the most that GetRecords allows (S-49)
MAXIMUM_CALLS = 1000  # for one answer: with the pauses between them more than half a day
MAXIMUM_PAGES = 100_000

NOT_FOUND, EXPIRED, TRIMMED = "ResourceNotFoundException", "ExpiredIteratorException", "TrimmedDataAccessException"


class Unreadable(Exception):
    """AWS gave no answer in a thousand calls."""


@dataclass
class ShardCursor:
    """A position in a shard, kept by sequence number: an expired iterator costs no record (S-48, S-93).

    client: of the service that reads the stream. last: the sequence number of the last record read. closed: the shard
    was read to its end. behind: whether the shard may already have more records than were read.
    """

    source: Source
    client: Any
    stream_arn: str
    shard_id: str
    starting_position: str = TRIM_HORIZON
    last: str | None = None
    iterator: str | None = None
    closed: bool = False
    behind: bool = True

    def place(self) -> None:
        """Gets an iterator: after the last record read, or at the starting position. Raises ClientError."""
        kind = self.starting_position if self.last is None else "AFTER_SEQUENCE_NUMBER"
        self.iterator = self.source.iterator(self.client, self.stream_arn, self.shard_id, kind, self.last)

    def read(self) -> list[Record]:
        """The records of the next page. Raises ClientError."""
        page = self.client.get_records(ShardIterator=self.iterator, Limit=READ_LIMIT)
        records = [self.source.to_record(read, self.stream_arn, self.shard_id) for read in page["Records"]]
        self.iterator = page.get("NextShardIterator")
        self.closed = self.iterator is None
        self.behind = bool(records or page.get("MillisBehindLatest"))
        new = [record for record in records if self.last is None or int(record.sequence_number) > int(self.last)]
        if new:
            self.last = new[-1].sequence_number
        return new

    def recover(self, error: Exception) -> bool:
        """Whether a new iterator solves the error. After TRIMMED it is one at the oldest record left (S-46)."""
        code = _code(error)
        self.iterator = None if code in (EXPIRED, TRIMMED) else self.iterator
        self.last = None if code == TRIMMED else self.last
        return code in (EXPIRED, TRIMMED)


def list_shards(source: Source, client: Any, stream_arn: str) -> list[dict[str, Any]]:
    """The stream's shards, as its service lists them. Raises ClientError."""
    shards: list[dict[str, Any]] = []
    for _ in range(MAXIMUM_PAGES):
        page, more = source.shards(client, stream_arn, shards[-1]["ShardId"] if shards else None)
        shards += page
        if not more:
            break
    return shards


def describe_shards(host: DispatcherHost, stream_arn: str) -> list[dict[str, Any]]:
    """The stream's shards; none when the stream is gone. Repeats a listing that fails. Raises Unreadable."""
    source = source_at(stream_arn)
    client = host.client(source.READER)
    for failures in range(1, MAXIMUM_CALLS + 1):
        try:
            return list_shards(source, client, stream_arn)
        except (ClientError, BotoCoreError) as error:
            if _code(error) == NOT_FOUND:
                return []
            host.sleep(_pause(failures))
    raise Unreadable(f"the shards of {stream_arn}")


class ShardReader:
    """Reads a shard for the dispatcher, from the mapping's starting position on."""

    def __init__(self, host: DispatcherHost, stream_arn: str, shard_id: str, starting_position: str) -> None:
        self._host = host
        self._source = source_at(stream_arn)
        client = host.client(self._source.READER)
        self._cursor = ShardCursor(self._source, client, stream_arn, shard_id, starting_position)
        self._latest_at = 0
        self._skip_before = 0

    @property
    def closed(self) -> bool:
        return self._cursor.closed

    def read(self) -> list[Record]:
        """The next records; an empty list when there are none at present, or, once `closed`, none any more.

        Raises Unreadable.
        """
        for failures in range(1, MAXIMUM_CALLS + 1):
            if self.closed:
                return []
            try:
                if self._cursor.iterator is None:
                    self._place()
                page = self._cursor.read()
            except (ClientError, BotoCoreError) as error:
                if _code(error) == NOT_FOUND:
                    self._cursor.closed = True
                elif not self._cursor.recover(error):
                    self._host.sleep(_pause(failures))
            else:
                dated = [self._source.dated(record, self._host.timestamp_seconds, self._host.now()) for record in page]
                return [record for record in dated if record.created_at >= self._skip_before]
        raise Unreadable(f"GetRecords {self._cursor.shard_id}")

    def _place(self) -> None:
        if self._cursor.last is None:
            self._skip_before = self._latest_at
        self._cursor.place()
        if self._cursor.starting_position == LATEST:
            # A second iterator at LATEST would skip the records written since the first. It starts at the oldest record
            # instead, and records from before the first iterator are skipped; their times are in whole seconds.
            self._latest_at = self._host.now() // MICROSECONDS * MICROSECONDS
            self._cursor.starting_position = TRIM_HORIZON


@dataclass
class StreamReader:
    """Reads one stream from its beginning; each reading continues where the last one stopped.

    `client` makes a client of the service that is named to it. `name` is the table's or the stream's; its ARN is looked
    up at the first reading. records: all that were read so far, each with its shard.
    """

    client: Callable[[str], Any]
    source: Source
    name: str
    records: list[tuple[str, Record]] = field(default_factory=list)
    _cursors: dict[str, ShardCursor] = field(default_factory=dict)

    @cached_property
    def _arn(self) -> str:
        return self.source.stream_arn(self.client, self.name)

    @cached_property
    def _reader(self) -> Any:
        return self.client(self.source.READER)

    def new_records(self) -> list[tuple[str, Record]]:
        """The records that were not read before, shard by shard. Raises ClientError."""
        before = len(self.records)
        for cursor in self._cursors.values():
            self._read(cursor)
        # A new shard replaces one that has ended (S-47, S-94): as long as none has ended, there is no new one.
        if not self._cursors or any(cursor.closed for cursor in self._cursors.values()):
            for shard_id in [shard["ShardId"] for shard in list_shards(self.source, self._reader, self._arn)]:
                if shard_id not in self._cursors:
                    self._cursors[shard_id] = ShardCursor(self.source, self._reader, self._arn, shard_id)
                    self._read(self._cursors[shard_id])
        return self.records[before:]

    def _read(self, cursor: ShardCursor) -> None:
        cursor.behind = True
        for _ in range(MAXIMUM_PAGES):
            if cursor.closed or not cursor.behind:
                return
            try:
                if cursor.iterator is None:
                    cursor.place()
                self.records += [(cursor.shard_id, record) for record in cursor.read()]
            except ClientError as error:
                if not cursor.recover(error):
                    raise


def reader_of(client: Callable[[str], Any], store: Table | DataStream) -> StreamReader:
    """The reader of a table's stream, or of a data stream; `client` makes a client of the service named to it."""
    return StreamReader(client, SOURCES[store.service], store.name)


def _pause(failures: int) -> float:
    """Seconds before a call is repeated: as between two tries of a batch, but for the draw."""
    return pause(failures, 0.5)


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
