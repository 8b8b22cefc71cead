"""The contract of a source: a kind of stream that a mapping reads, how it is read, and what its records say. Pure.

A record here is always one of Lambda's event: plain JSON, which keeps what is its own under the word of its source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

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
