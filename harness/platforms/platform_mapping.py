"""The platform's own event source mapping: nobody sees it deliver, so the function and the queue tell how far it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.platforms.function_history import FunctionHistory
from harness.platforms.processed import processed
from harness.stack import ON_FAILURE, Stack
from harness.until import until

Source = list[tuple[str, dict[str, Any]]]  # records of the source's stream, each with its shard
MAX_CHANGE_SECONDS = 120.0


class PlatformMapping:
    """`client` gives clients of the harness's own, by the name of a service."""

    def __init__(self, client: Callable[[str], Any], stack: Stack, left: FunctionHistory) -> None:
        self._client = client
        self._stack = stack
        self._left = left

    def start(self) -> None:
        """Waits until it delivers; raises TimeoutError when it does not come to that."""
        self._until_state("Enabled")

    def stop(self) -> None:
        """It ends with its stack."""

    def waiting(self, records: Source) -> str:
        """What it has still to do, in words; "" when it has done everything."""
        done = processed(self._left.read(), self._dead_letters(), self._stack.mapping)
        waiting = sum(not done(shard, record["dynamodb"]["SequenceNumber"]) for shard, record in records)
        return f"{waiting} records were neither processed nor given up" if waiting else ""

    def _dead_letters(self) -> list[dict[str, Any]]:
        """A look at the on-failure queue that leaves every message where it is."""
        sqs = self._client("sqs")
        found = []
        for queue in self._stack.queues_of(ON_FAILURE):
            url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            found += [json.loads(message["Body"]) for message in answer.get("Messages", ())]
        return found

    def _mappings(self) -> list[dict[str, Any]]:
        answer = self._client("lambda").list_event_source_mappings(FunctionName=self._stack.function.name)
        found: list[dict[str, Any]] = answer["EventSourceMappings"]
        return found

    def _until_state(self, *states: str) -> None:
        """`states`: those of the function's mappings, all together."""

        def there() -> bool:
            return [mapping["State"] for mapping in self._mappings()] == list(states)

        if not until(there, MAX_CHANGE_SECONDS):
            wanted = " and ".join(states) or "gone"
            raise TimeoutError(f"the event source mapping was not {wanted} after {MAX_CHANGE_SECONDS:g} s")
