"""Reads a stream through AWS calls only: its shards, and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.delivery.host import DispatcherHost
from harness.delivery.sources import SOURCES, Record, Source, source_at
from harness.history import MICROSECONDS
from harness.pipeline.mapping import LATEST, TRIM_HORIZON
from harness.pipeline.resources import DataStream, Table

READ_LIMIT = 1000  # the most that GetRecords allows (S-49)
RETRY_SECONDS = 1.0
MAXIMUM_CALLS = 1000  # for one answer

NOT_FOUND, EXPIRED, TRIMMED = "ResourceNotFoundException", "ExpiredIteratorException", "TrimmedDataAccessException"


class Unreadable(Exception):
    """AWS gave no answer in a thousand calls."""


def describe_shards(host: DispatcherHost, stream_arn: str) -> list[dict[str, Any]]:
    """The stream's shards, as its service lists them; none when the stream is gone. Raises Unreadable."""
    source = source_at(stream_arn)
    reader = host.client(source.READER)
    shards: list[dict[str, Any]] = []
    for _ in range(MAXIMUM_CALLS):
        try:
            page, more = source.shards(reader, stream_arn, shards[-1]["ShardId"] if shards else None)
        except (ClientError, BotoCoreError) as error:
            if _code(error) == NOT_FOUND:
                return []
            host.sleep(RETRY_SECONDS)
            continue
        shards += page
        if not more:
            return shards
    raise Unreadable(f"the shards of {stream_arn}")


class ShardReader:
    """Keeps the position by sequence number, so that an iterator that has expired (S-48, S-93) costs nothing."""

    def __init__(self, host: DispatcherHost, stream_arn: str, shard_id: str, starting_position: str) -> None:
        self._host = host
        self._source = source_at(stream_arn)
        self._reader = host.client(self._source.READER)
        self._stream_arn = stream_arn
        self._shard_id = shard_id
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
                page = self._reader.get_records(ShardIterator=self._iterator, Limit=READ_LIMIT)
            except (ClientError, BotoCoreError) as error:
                self._recover(_code(error))
            else:
                return self._advance(page)
        raise Unreadable(f"GetRecords {self._shard_id}")

    def _advance(self, page: dict[str, Any]) -> list[Record]:
        records = [self._record(read) for read in page["Records"]]
        self._iterator = page.get("NextShardIterator")
        self.closed = self._iterator is None
        if records:
            self._position = records[-1].sequence_number
        return [record for record in records if record.created_at >= self._skip_before]

    def _record(self, read: dict[str, Any]) -> Record:
        record = self._source.to_record(read, self._stream_arn, self._shard_id)
        return self._source.dated(record, self._host.timestamp_seconds, self._host.now())

    def _new_iterator(self) -> str:
        kind = self._starting_position
        if self._position is not None:
            kind = "AFTER_SEQUENCE_NUMBER"
        else:
            self._skip_before = self._latest_at or 0
        iterator = self._source.iterator(self._reader, self._stream_arn, self._shard_id, kind, self._position)
        if self._starting_position == LATEST:
            # LATEST asked for again would skip what was written in between. If it must be, then its first moment
            # stands for it, in whole seconds, because records carry no more.
            self._latest_at = self._host.now() // MICROSECONDS * MICROSECONDS
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


_MAX_PAGES = 100_000
_FROM_THE_BEGINNING = "-1"


@dataclass
class StreamReader:
    """Reads one stream from its beginning, and goes on where it stopped. `client` is by a service's name, and `name`
    that of the table or the stream, which is not asked for before the first reading.

    records: all that were read so far, each with its shard, as Lambda's event has them.
    """

    client: Callable[[str], Any]
    source: Source
    name: str
    records: list[tuple[str, Record]] = field(default_factory=list)
    _after: dict[str, str] = field(default_factory=dict)
    _iterators: dict[str, str | None] = field(default_factory=dict)  # None where a shard has ended

    @cached_property
    def _arn(self) -> str:
        return self.source.stream_arn(self.client, self.name)

    @cached_property
    def _reader(self) -> Any:
        return self.client(self.source.READER)

    def new_records(self) -> list[tuple[str, Record]]:
        """Those that were not read before, shard by shard."""
        before = len(self.records)
        for shard in self._iterators:
            self._read(shard)
        if not self._iterators or None in self._iterators.values():
            for shard in self._unknown_shards():
                self._iterators[shard] = self._iterator(shard)
                self._read(shard)
        return self.records[before:]

    def _unknown_shards(self) -> Iterator[str]:
        """There can be some only where one has ended: a new shard takes another's place (S-47, S-94)."""
        last, more = None, True
        for _ in range(_MAX_PAGES):
            if not more:
                return
            shards, more = self.source.shards(self._reader, self._arn, last)
            for shard in shards:
                last = str(shard["ShardId"])
                if last not in self._iterators:
                    yield last

    def _read(self, shard: str) -> None:
        for _ in range(_MAX_PAGES):
            if (iterator := self._iterators[shard]) is None:
                return
            try:
                page = self._reader.get_records(ShardIterator=iterator)
            except ClientError as error:
                if error.response["Error"]["Code"] not in (EXPIRED, TRIMMED):
                    raise
                self._iterators[shard] = self._iterator(shard)
                continue
            self._iterators[shard] = page.get("NextShardIterator")
            for read in page["Records"]:
                record = self.source.to_record(read, self._arn, shard)
                number = record.sequence_number
                if int(number) > int(self._after.get(shard, _FROM_THE_BEGINNING)):
                    self._after[shard] = number
                    self.records.append((shard, record))
            if not (page["Records"] or page.get("MillisBehindLatest")):
                return

    def _iterator(self, shard: str) -> str:
        """After what was read last; where that has left the stream, at the oldest record there is (S-46)."""
        if shard in self._after:
            try:
                return self.source.iterator(self._reader, self._arn, shard, "AFTER_SEQUENCE_NUMBER", self._after[shard])
            except ClientError as error:
                if error.response["Error"]["Code"] != TRIMMED:
                    raise
        return self.source.iterator(self._reader, self._arn, shard, "TRIM_HORIZON")


def reader_of(client: Callable[[str], Any], store: Table | DataStream) -> StreamReader:
    """Of the stream that a table has, or that the store is. `client` is by a service's name."""
    return StreamReader(client, SOURCES[store.service], store.name)
