"""One shard of a stream: its records in order, the positions in it, and the tokens that carry a position."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from harness.faults.points import Seed
from harness.history import MICROSECONDS
from harness.pipeline.resources import RETENTION_SECONDS

ITERATOR_TYPES = ("TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
Record = dict[str, Any]


class Refused(Exception):
    """An error with which AWS answers a request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Numbers:
    """Sequence numbers of a service in a run: unique, growing, above `base`, and about `step` apart."""

    def __init__(self, seed: Seed, drawn: str, step: int, base: int = 0) -> None:
        self._seed = seed
        self._drawn = drawn
        self._step = step
        self._base = base
        self._count = 0

    def next(self) -> int:
        self._count += 1
        return self._base + self._count * self._step + int(self._seed.draw(self._drawn, self._count) * self._step)


@dataclass(frozen=True, slots=True)
class Iterator:
    """A position in a shard: the index of the next record, counted from the shard's first record. `issued`: when."""

    stream_arn: str
    shard_id: str
    position: int
    issued: int

    def token(self) -> str:
        content = json.dumps([self.shard_id, self.position, self.issued]).encode()
        return f"{self.stream_arn}|1|{base64.urlsafe_b64encode(content).decode()}"

    @staticmethod
    def of(token: str, now: int, life: int) -> Iterator:
        """Reads a token. Raises Refused: ValidationException, or ExpiredIteratorException after `life` microseconds."""
        try:
            arn, _, content = token.split("|")
            shard_id, position, issued = json.loads(base64.urlsafe_b64decode(content))
        except ValueError:
            raise Refused("ValidationException", "Invalid ShardIterator") from None
        if now - issued >= life:
            minutes = life // MICROSECONDS // 60
            raise Refused(
                "ExpiredIteratorException", f"The shard iterator has expired: it is older than {minutes} minutes"
            )
        return Iterator(arn, shard_id, position, issued)


class Shard:
    """Records in the order of their arrival. Records older than 24 hours are removed (S-46)."""

    def __init__(self, id: str, numbers: Numbers) -> None:
        self.id = id
        self._first_number = self._latest_number = numbers.next()
        self._last_number: int | None = None  # None while the shard is open
        self._records: list[Record] = []
        self._numbers: list[int] = []
        self._times: list[int] = []
        self._sizes: list[int] = []
        self._trimmed = 0

    def append(self, number: int, time: int, record: Record, size: int) -> None:
        """`size`: the bytes by which the record counts in a page."""
        self._records.append(record)
        self._sizes.append(size)
        self._numbers.append(number)
        self._times.append(time)
        self._latest_number = number

    def close(self, numbers: Numbers) -> None:
        self._last_number = numbers.next()

    def trim(self, now: int) -> None:
        old = bisect_left(self._times, now - RETENTION_SECONDS * MICROSECONDS + 1)
        if old:
            del self._records[:old], self._numbers[:old], self._times[:old], self._sizes[:old]
            self._trimmed += old

    def describe(self) -> dict[str, Any]:
        numbers = {"StartingSequenceNumber": str(self._first_number)}
        if self._last_number is not None:
            numbers["EndingSequenceNumber"] = str(self._last_number)
        return {"ShardId": self.id, "SequenceNumberRange": numbers}

    def position(self, iterator_type: str, sequence_number: str | None) -> int:
        """Where an iterator of that type starts. Raises Refused: ValidationException, TrimmedDataAccessException."""
        by_number = iterator_type.endswith("_SEQUENCE_NUMBER")
        if iterator_type not in ITERATOR_TYPES:
            valid = ", ".join(ITERATOR_TYPES)
            raise Refused("ValidationException", f"ShardIteratorType: {iterator_type}. Known: {valid}")
        if by_number != (sequence_number is not None):
            raise Refused("ValidationException", f"SequenceNumber and {iterator_type} do not go together")
        if iterator_type == "TRIM_HORIZON":
            return self._trimmed
        if sequence_number is None:
            return self._end
        return self._position_of(sequence_number, after=iterator_type == "AFTER_SEQUENCE_NUMBER")

    def _position_of(self, sequence_number: str, after: bool) -> int:
        number = int(sequence_number) if sequence_number.isascii() and sequence_number.isdigit() else -1
        if not self._first_number <= number <= (self._last_number or self._latest_number):
            raise Refused("ValidationException", f"Invalid SequenceNumber for the shard: {sequence_number}")
        if self._trimmed and (not self._numbers or number < self._numbers[0]):
            raise Refused("TrimmedDataAccessException", f"SequenceNumber {sequence_number} is older than 24 hours")
        return self._trimmed + bisect_left(self._numbers, number + 1 if after else number)

    def read(self, position: int, limit: int, max_bytes: int) -> list[Record]:
        """At most `limit` records and `max_bytes`, at least one if there is one. Raises TrimmedDataAccessException."""
        if position < self._trimmed:
            raise Refused("TrimmedDataAccessException", "The iterator points at records older than 24 hours")
        first = position - self._trimmed
        count = total = 0
        for size in self._sizes[first : first + limit]:
            total += size
            if count and total > max_bytes:
                break
            count += 1
        return self._records[first : first + count]

    def ended(self, position: int) -> bool:
        """Whether the shard is closed and was read to its end: then there is no next iterator (S-50)."""
        return self._last_number is not None and position >= self._end

    def waiting_since(self, position: int) -> int | None:
        """When the record at that position arrived, in microseconds; None if there is no record."""
        return self._times[position - self._trimmed] if position < self._end else None

    @property
    def _end(self) -> int:
        return self._trimmed + len(self._records)
