"""The harness's dispatcher in place of the platform's own mapping: it reads that stream and invokes that function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.dispatcher import Dispatcher
from harness.history import History
from harness.platforms.platform_mapping import Source
from harness.stack import ON_FAILURE, Stack
from harness.thread_host import ThreadHost

HANDED_ON = ("deliver", "filter", "discard")


class HarnessMapping:
    """`client` gives clients of the harness's own, by the name of a service."""

    def __init__(self, host: ThreadHost, client: Callable[[str], Any], stack: Stack, history: History) -> None:
        self._host = host
        self._client = client
        self._stack = stack
        self._history = history
        self._dispatcher: Dispatcher | None = None

    def start(self) -> None:
        """The names of a stack are known beforehand, the addresses of what was deployed are not."""
        stack, mapping = self._stack, self._stack.mapping
        table = self._client("dynamodb").describe_table(TableName=stack.source.name)["Table"]
        function = self._client("lambda").get_function(FunctionName=stack.function.name)["Configuration"]
        if mapping.on_failure_arn:
            mapping = replace(mapping, on_failure_arn=self._queue_arn())
        self._dispatcher = Dispatcher(self._host, mapping, table["LatestStreamArn"], function["FunctionArn"])
        self._dispatcher.start()

    def stop(self) -> None:
        if self._dispatcher:
            with self._host.turn():
                self._dispatcher.stop()
        self._host.close()

    def waiting(self, records: Source) -> str:
        """What it has still to do, in words; "" when it has done everything."""
        seen = {
            (operation.value["shard"], int(number))
            for operation in list(self._history.operations)
            if operation.f in HANDED_ON and operation.role == "dispatcher"
            for number in operation.value["sequence_numbers"]
        }
        unseen = sum((shard, int(record["dynamodb"]["SequenceNumber"])) not in seen for shard, record in records)
        if unseen:
            return f"{unseen} records were not delivered"
        with self._host.turn():
            idle = self._dispatcher is not None and self._dispatcher.idle
        return "" if idle else "the dispatcher was still at work"

    def _queue_arn(self) -> str:
        (queue,) = self._stack.queues_of(ON_FAILURE)
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
        arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn
