"""The worker of a lane: gathers batches, delivers them, and carries out the redelivery rules."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from harness.delivery.deliveries import Deliveries, Origin
from harness.delivery.host import DispatcherHost, Event
from harness.delivery.lane import Lane
from harness.delivery.on_failure import on_failure_record
from harness.delivery.redelivery import EXPIRED, Batch, BatchDecision, Discard, InvocationResult, pause, sift
from harness.delivery.sources import Record, history_value
from harness.history import INFO, MICROSECONDS
from harness.pipeline.mapping import Mapping
from harness.pipeline.resources import queue_url


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
