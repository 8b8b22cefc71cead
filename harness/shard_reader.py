"""Reads a stream through AWS calls only: which shards it has, and each from its starting position to its end."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.host import Host
from harness.mapping import LATEST, TRIM_HORIZON
from harness.sources import source_at
from harness.sources.base import Record

READ_LIMIT = 1000  # the most that GetRecords allows (S-49)
RETRY_SECONDS = 1.0
MAXIMUM_CALLS = 1000  # for one answer

NOT_FOUND, EXPIRED, TRIMMED = "ResourceNotFoundException", "ExpiredIteratorException", "TrimmedDataAccessException"


class Unreadable(Exception):
    """AWS gave no answer in a thousand calls."""


def describe_shards(host: Host, stream_arn: str) -> list[dict[str, Any]]:
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

    def __init__(self, host: Host, stream_arn: str, shard_id: str, starting_position: str) -> None:
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
            self._position = self._source.sequence_number(records[-1])
        return [record for record in records if self._source.created_at(record) >= self._skip_before]

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
