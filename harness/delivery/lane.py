"""A lane: the records of a shard, or of one of its parallel parts, in order. Pure.

A record waits, is then part of a batch, and has passed once it is done or discarded. One batch at a time is taken and
settled.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from itertools import islice

from harness.delivery.redelivery import Batch, BatchDecision
from harness.delivery.sources import Record, payload
from harness.history import MICROSECONDS
from harness.pipeline.mapping import Mapping
from harness.pipeline.resources import RETENTION_SECONDS

PAYLOAD_BYTES = 6 * 1024 * 1024  # S-63
MAXIMUM_REMEMBERED = 100_000  # how many passed records a roll back can reach


class Lane:
    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.waiting: deque[Record] = deque()
        self.retries: deque[Batch] = deque()
        self._passed: deque[Record] = deque(maxlen=MAXIMUM_REMEMBERED)

    @property
    def full(self) -> bool:
        """Whether the next batch has reached its greatest size (S-64)."""
        fitting = self._fitting()
        return fitting == self._mapping.batch_size or fitting < len(self.waiting)

    def offer(self, records: Iterable[Record]) -> None:
        self.waiting.extend(records)

    def take(self) -> Batch | None:
        """The next batch: a retry if there is one, otherwise up to BatchSize waiting records and 6 MB."""
        if self.retries:
            return self.retries.popleft()
        fitting = self._fitting()
        return Batch(tuple(self.waiting.popleft() for _ in range(fitting))) if fitting else None

    def settle(self, decision: BatchDecision) -> None:
        """Completes the batch that `take` returned; its retries come before all other records."""
        discarded = decision.discard.batch.records if decision.discard else ()
        self.give_up((*decision.done, *discarded))
        self.retries.extendleft(reversed(decision.retry))

    def give_up(self, records: Iterable[Record]) -> None:
        """Marks records as passed before the rest of their batch is settled."""
        self._passed.extend(records)

    def again(self, batch: Batch) -> None:
        """Repeats a batch that has just passed as a whole, before all other records."""
        for _ in batch.records:
            self._passed.pop()
        self.retries.appendleft(Batch(batch.records, copy=batch.copy + 1))

    def roll_back(self, records: int | None, now: int) -> None:
        """Moves the position back by that many records, or (None) to the beginning, and resets all counts of failures.

        Records that have left the stream at `now` (microseconds since the epoch) are not repeated.
        """
        count = len(self._passed) if records is None else min(records, len(self._passed))
        back = [self._passed.pop() for _ in range(count)]
        ahead = [record for batch in self.retries for record in batch.records]
        self.retries.clear()
        self.waiting.extendleft(reversed(ahead))
        oldest = now - RETENTION_SECONDS * MICROSECONDS
        self.waiting.extendleft(record for record in back if record.created_at >= oldest)

    def _fitting(self) -> int:
        """How many of the waiting records make the next batch; at least one, if any is waiting."""
        total, count = len(payload([])), 0
        for record in islice(self.waiting, self._mapping.batch_size):
            total += record.size
            if count and total > PAYLOAD_BYTES:
                break
            count += 1
        return count


def lane_number(record: Record, lanes: int) -> int:
    """The index of the record's lane in its shard: the same for all records of an item (S-81)."""
    digest = hashlib.blake2b(record.key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % lanes
