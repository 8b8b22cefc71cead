"""Reads a stream from its beginning, apart from any mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from harness.sources import source_at
from harness.sources.base import Record

_MAX_PAGES = 100_000
_FROM_THE_BEGINNING = "-1"


@dataclass
class StreamReader:
    """Reads one stream from its beginning, and goes on where it stopped. `client` is by a service's name."""

    client: Callable[[str], Any]
    arn: str
    _after: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._source = source_at(self.arn)
        self._reader = self.client(self._source.READER)

    def new_records(self) -> Iterator[tuple[str, Record]]:
        """The shard and each record that was not read before, shard by shard, as Lambda's event has them."""
        last, more = None, True
        for _ in range(_MAX_PAGES):
            if not more:
                return
            shards, more = self._source.shards(self._reader, self.arn, last)
            for shard in shards:
                last = str(shard["ShardId"])
                yield from self._of_shard(last)

    def _of_shard(self, shard: str) -> Iterator[tuple[str, Record]]:
        iterator = self._iterator(shard)
        for _ in range(_MAX_PAGES):
            page = self._reader.get_records(ShardIterator=iterator)
            for read in page["Records"]:
                record = self._source.to_record(read, self.arn, shard)
                number = self._source.sequence_number(record)
                if int(number) > int(self._after.get(shard, _FROM_THE_BEGINNING)):
                    self._after[shard] = number
                    yield shard, record
            iterator = page.get("NextShardIterator")
            if iterator is None or not (page["Records"] or page.get("MillisBehindLatest")):
                return

    def _iterator(self, shard: str) -> str:
        """After what was read last; where that has left the stream, at the oldest record there is (S-46)."""
        if shard in self._after:
            try:
                return self._source.iterator(self._reader, self.arn, shard, "AFTER_SEQUENCE_NUMBER", self._after[shard])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                    raise
        return self._source.iterator(self._reader, self.arn, shard, "TRIM_HORIZON")
