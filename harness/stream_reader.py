"""Reads a stream from its beginning, apart from any mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from harness.shard_reader import EXPIRED, TRIMMED
from harness.sources import SOURCES
from harness.sources.base import Record, Source
from harness.stores import DataStream, Table

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
                number = self.source.sequence_number(record)
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
