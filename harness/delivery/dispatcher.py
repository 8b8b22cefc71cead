"""The dispatcher: an event source mapping for a DynamoDB or Kinesis stream, made of AWS calls and the redelivery rules.

It reads the stream's shards, parents before children (S-94), filters the records, and gives each to the lane of its
item. A shard has ParallelizationFactor lanes (S-81), and a stuck lane does not delay the others (S-66). All AWS calls
use the clients of its host. It is the mapping of the embedded platform, and can replace the mapping of the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

from harness.delivery import filters
from harness.delivery.deliveries import Deliveries, DispatcherHost, Event
from harness.delivery.lane import LaneWorker, Route, lane_number
from harness.delivery.shards import ShardReader, describe_shards
from harness.delivery.sources import Record, history_value
from harness.history import INFO
from harness.pipeline.resources import LATEST, TRIM_HORIZON, Mapping

POLL_SECONDS = 0.25  # Lambda polls a shard four times a second: docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
LATEST_DELAY_SECONDS = 5.0  # at most; a mapping at LATEST misses earlier records (S-87; AWS says minutes)
MAXIMUM_WAITING = 10_000  # records read ahead of a shard's lanes


class Dispatcher:
    """Its processes are `dispatcher/<shard>`, or `dispatcher/<shard>.<lane>`; shards are numbered as discovered."""

    def __init__(
        self, host: DispatcherHost, mapping: Mapping, stream_arn: str, function_arn: str, role_arn: str = ""
    ) -> None:
        filters.check_mapping(mapping)
        self._host = host
        self._route = Route(mapping, stream_arn, function_arn)
        self._deliveries = Deliveries(host, mapping, function_arn, role_arn)
        self._position = mapping.starting_position
        self._count = itertools.count()
        self._numbers: dict[str, int] = {}
        self._first_shards: frozenset[str] | None = None
        self._finished: list[str] = []
        self._gate = host.event()  # set while the mapping is enabled
        self._gate.set()
        self._workers: list[LaneWorker] = []
        self._stopped = False

    def start(self, first: bool = False) -> None:
        """Starts delivering, unless the mapping is created disabled.

        first: in its run; one that stands has then begun before the first record, and misses none.
        """
        if first and self._route.mapping.stands:
            self._position = TRIM_HORIZON
        if self._route.mapping.enabled:
            self._host.spawn("dispatcher", self._begin)

    def stop(self) -> None:
        """Stops reading and delivering; a delivery under way is completed (S-90)."""
        self._stopped = True
        self._deliveries.stop()
        self._gate.set()
        for worker in self._workers:
            worker.stop()

    def disable(self) -> None:
        """Pauses delivering until `enable`, which continues where it stopped (S-88)."""
        self._gate.clear()

    def enable(self) -> None:
        self._gate.set()

    @property
    def idle(self) -> bool:
        """Whether every record that was read has been processed, and no copy is still to be delivered."""
        return self._deliveries.copies == 0 and all(worker.idle for worker in self._workers)

    def _begin(self) -> None:
        if self._position == LATEST:
            self._host.sleep(LATEST_DELAY_SECONDS * self._host.seed.draw("latest", self._route.stream_arn))
        self._follow()

    def _follow(self) -> None:
        """Starts a reader for each new shard whose parent has been read to its end, or is no longer listed."""
        shards = describe_shards(self._host, self._route.stream_arn)
        present = frozenset(shard["ShardId"] for shard in shards)
        if self._first_shards is None:
            self._first_shards = present
        for shard in shards:
            shard_id, parent = shard["ShardId"], shard.get("ParentShardId")
            if shard_id in self._numbers or (parent in present and parent not in self._finished):
                continue
            number = next(self._count)
            # Two readers that end at the same time both get here: the first to enter the shard reads it.
            if self._numbers.setdefault(shard_id, number) == number:
                self._host.spawn(f"dispatcher/{number}", partial(self._read, shard_id, number))

    def _read(self, shard_id: str, number: int) -> None:
        settled = self._host.event()
        workers = self._start_workers(shard_id, number, settled)
        first = shard_id in (self._first_shards or ())
        position = self._position if first else TRIM_HORIZON
        reader = ShardReader(self._host, self._route.stream_arn, shard_id, position)
        polls = 0
        while not (reader.closed or self._stopped):
            if records := reader.read():
                self._distribute(records, f"dispatcher/{number}", shard_id, workers)
                self._wait(settled, lambda: sum(len(worker.lane.waiting) for worker in workers) < MAXIMUM_WAITING)
            elif not reader.closed:
                self._host.wait_for_records(shard_id, None)
                polls += 1
                self._host.sleep(POLL_SECONDS * self._host.seed.draw("poll", shard_id, polls))
        for worker in workers:
            worker.end()
        self._wait(settled, lambda: all(worker.finished for worker in workers))
        self._finished.append(shard_id)
        if not self._stopped:
            self._follow()

    def _start_workers(self, shard_id: str, number: int, settled: Event) -> list[LaneWorker]:
        factor = self._route.mapping.parallelization_factor
        processes = (
            [f"dispatcher/{number}.{lane}" for lane in range(factor)] if factor > 1 else [f"dispatcher/{number}"]
        )
        workers = [
            LaneWorker(self._host, self._route, self._deliveries, (process, shard_id), self._gate, settled.set)
            for process in processes
        ]
        self._workers += workers
        for worker in workers:
            self._host.spawn(worker.process, worker.run)
        return workers

    def _distribute(self, records: list[Record], process: str, shard_id: str, workers: list[LaneWorker]) -> None:
        """Gives each record that passes the filters to the lane of its item, and drops the others (S-84)."""
        lanes: list[list[Record]] = [[] for _ in workers]
        dropped: list[Record] = []
        for record in records:
            passed = filters.passes(record.filtered, self._route.mapping.filter_criteria)
            (lanes[lane_number(record, len(workers))] if passed else dropped).append(record)
        if dropped:
            self._host.record(process, INFO, "filter", history_value(shard_id, dropped))
        for worker, accepted in zip(workers, lanes, strict=True):
            if accepted:
                worker.offer(accepted)

    def _wait(self, event: Event, condition: Callable[[], bool]) -> None:
        event.clear()
        while not (self._stopped or condition()):
            event.wait(None)
            event.clear()
