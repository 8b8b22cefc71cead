"""The harness's dispatcher in place of the platform's own mapping: it reads that stream and invokes that function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.dispatcher import Dispatcher
from harness.history import History
from harness.mapping import LATEST, Mapping
from harness.platforms.platform_mapping import Records
from harness.sources import SOURCES
from harness.stack import ON_FAILURE, Stack
from harness.stillness import Stillness
from harness.stream_event import sequence_number
from harness.thread_host import ThreadHost

HANDED_ON = ("deliver", "filter", "discard")


class HarnessMapping:
    """`client` and `still` are as for the platform's own mapping."""

    def __init__(
        self, host: ThreadHost, client: Callable[[str], Any], stack: Stack, history: History, still: float
    ) -> None:
        self._host = host
        self._client = client
        self._stack = stack
        self._history = history
        self._dispatcher: Dispatcher | None = None
        self._stillness = Stillness(still)
        self._begin: Callable[[], None] = lambda: None

    def start(self) -> None:
        """The names of a stack are known beforehand, the addresses of what was deployed are not."""
        stack, mapping = self._stack, self._stack.mapping
        stream_arn = SOURCES[stack.source.service].stream_arn(self._client, stack.source.name)
        function = self._client("lambda").get_function(FunctionName=stack.function.name)["Configuration"]
        if mapping.on_failure_arn:
            mapping = replace(mapping, on_failure_arn=self._queue_arn())
        self._begin = lambda: self._start(mapping, stream_arn, function["FunctionArn"])
        self._begin()

    def stop(self) -> None:
        if self._dispatcher:
            with self._host.turn():
                self._dispatcher.stop()
        self._host.close()

    def remove(self, action: object) -> None:
        with self._host.turn():
            self._delivering.stop()

    def create(self) -> None:
        self._begin()

    def disable(self, action: object) -> None:
        with self._host.turn():
            self._delivering.disable()

    def enable(self) -> None:
        with self._host.turn():
            self._delivering.enable()

    def waiting(self, records: Records) -> tuple[str, Records]:
        """What it has still to do of these, in words ("" when nothing), and which of them are not done."""
        seen = {
            (operation.value["shard"], int(number))
            for operation in list(self._history.operations)
            if operation.f in HANDED_ON and operation.role == "dispatcher"
            for number in operation.value["sequence_numbers"]
        }
        unseen = [pair for pair in records if (pair[0], int(sequence_number(pair[1]))) not in seen]
        with self._host.turn():
            idle = self._delivering.idle
        if not idle:
            return "the dispatcher was still at work", unseen
        # At LATEST records can be missed, and nobody says so (S-87).
        still = self._stillness.lasts((len(unseen), len(seen)))
        missed = self._stack.mapping.starting_position == LATEST and still
        return f"{len(unseen)} records were not delivered" if unseen and not missed else "", unseen

    @property
    def _delivering(self) -> Dispatcher:
        assert self._dispatcher
        return self._dispatcher

    def _start(self, mapping: Mapping, stream_arn: str, function_arn: str) -> None:
        self._dispatcher = Dispatcher(self._host, mapping, stream_arn, function_arn)
        self._dispatcher.start()

    def _queue_arn(self) -> str:
        (queue,) = self._stack.queues_of(ON_FAILURE)
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
        arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn
