"""Lanes: the records of a shard, or of one of its parallel parts, in order; and the worker that delivers them.

A record waits, is then part of a batch, and has passed once it is done or discarded. One batch at a time is taken and
settled: the worker gathers it, delivers it, and carries out the redelivery rules.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from harness.delivery.deliveries import Deliveries, DispatcherHost, Event, Origin
from harness.delivery.redelivery import (
    EXPIRED,
    Batch,
    BatchDecision,
    Discard,
    InvocationResult,
    on_failure_record,
    pause,
    sift,
)
from harness.delivery.sources import Record, history_value, payload
from harness.history import INFO, MICROSECONDS
from harness.pipeline.resources import RETENTION_SECONDS, Mapping, queue_url

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


@dataclass(frozen=True, slots=True)
class Route:
    """Which stream is delivered to which function, with which settings."""

    mapping: Mapping
    stream_arn: str
    function_arn: str


class LaneWorker:
    """One task, which ends when it is stopped or its shard has ended. Without records it blocks without a timer.

    Nothing is delivered unless `gate` is set. `settled` is called after each batch, and at the end.
    """

    def __init__(
        self,
        host: DispatcherHost,
        route: Route,
        deliveries: Deliveries,
        origin: tuple[str, str],
        gate: Event,
        settled: Callable[[], None],
    ) -> None:
        self.process, self._shard_id = origin
        self.lane = Lane(route.mapping)
        self._host = host
        self._route = route
        self._deliveries = deliveries
        self._gate = gate
        self._settled = settled
        self._origin = Origin(self.process, self._shard_id, self._roll_back)
        self._roll_backs: list[int | None] = []
        self._arrived = host.event()
        self.finished = False
        self._busy = False
        self._ended = False
        self._stopped = False

    def offer(self, records: Sequence[Record]) -> None:
        self.lane.offer(records)
        self._arrived.set()

    @property
    def idle(self) -> bool:
        """Whether it has no records to process."""
        return self.finished or not (self._busy or self._roll_backs or self.lane.waiting or self.lane.retries)

    def end(self) -> None:
        """No more records will be offered."""
        self._ended = True
        self._arrived.set()

    def stop(self) -> None:
        """Stops delivering, even if records are waiting."""
        self._stopped = True
        self._arrived.set()

    def run(self) -> None:
        self._run()
        self.finished = True
        self._settled()

    def _run(self) -> None:
        while not self._stopped:
            self._arrived.clear()
            while self._roll_backs:
                self.lane.roll_back(self._roll_backs.pop(0), self._host.now())
            self._gather()
            if batch := self.lane.take():
                self._busy = True
                self._process(batch)
                self._busy = False
                self._settled()
            elif self._ended:
                return
            else:
                self._arrived.wait(None)

    def _gather(self) -> None:
        """Waits until the batch is full, or the batching window, which the first record opens, has ended (S-64)."""
        lane, window = self.lane, self._route.mapping.maximum_batching_window_in_seconds
        if not window or lane.retries or not lane.waiting:
            return
        end = self._host.now() + window * MICROSECONDS
        while not (lane.full or self._ended or self._stopped) and (remaining := end - self._host.now()) > 0:
            self._arrived.wait(remaining / MICROSECONDS)
            self._arrived.clear()

    def _process(self, batch: Batch) -> None:
        draw = self._host.seed.draw("back_off", self._shard_id, batch.records[0].sequence_number, batch.failures)
        if wait := pause(batch.failures, draw):
            self._host.sleep(wait)
        self._gate.wait(None)
        young, too_old = sift(batch, self._route.mapping, self._host.now())
        for discard in too_old:
            self.lane.give_up(discard.batch.records)
            self._discard(discard, None)
        if self._stopped or not young.records:
            self.lane.settle(BatchDecision())
            return
        delivered = self._deliveries.deliver(young, self._origin)
        self.lane.settle(delivered.decision)
        if delivered.decision.discard:
            self._discard(delivered.decision.discard, delivered.result)
        if delivered.again:
            self.lane.again(young)

    def _roll_back(self, records: int | None) -> None:
        # A fault at a copy can roll back while the lane delivers a batch: the roll back waits until that is settled.
        self._roll_backs.append(records)
        self._arrived.set()

    def _discard(self, discard: Discard, result: InvocationResult | None) -> None:
        arn = self._route.mapping.on_failure_arn
        reported = bool(arn) and discard.reason != EXPIRED and self._report(str(arn), discard, result)
        value = {
            "reason": discard.reason,
            **history_value(self._shard_id, discard.batch.records),
            "dead_lettered": reported,
        }
        self._host.record(self.process, INFO, "discard", value)

    def _report(self, arn: str, discard: Discard, result: InvocationResult | None) -> bool:
        """Sends the on-failure record; returns whether that succeeded. It is not retried (S-83: AWS does not say)."""
        start = discard.batch.records[0].sequence_number
        bits = self._host.seed.random("on_failure", self._shard_id, start).getrandbits(128)
        record = on_failure_record(
            discard,
            result,
            request_id=(result and result.request_id) or str(uuid.UUID(int=bits, version=4)),
            shard_id=self._shard_id,
            stream_arn=self._route.stream_arn,
            function_arn=self._route.function_arn,
            now=self._host.now(),
        )
        try:
            self._host.client("sqs").send_message(QueueUrl=queue_url(arn), MessageBody=json.dumps(record))
        except (ClientError, BotoCoreError):
            return False
        return True
