"""The platform `localstack`: a stack at an endpoint that speaks it, real processes, real time.

Faults act at the same points as on the embedded platform: the writers' in this process, the function's in its own,
through the agent in its package. Both claim tickets in the experiment's control table, where the function leaves its
history too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from harness import hook
from harness.agent.control import Control, ControlTickets
from harness.agent.plan import FunctionPlan
from harness.agent.wire import Wire
from harness.faults.base import Fault
from harness.interrupt import held_back
from harness.nemesis import Nemesis
from harness.package import zipped
from harness.platforms import capabilities, deployment
from harness.platforms.base import Plan
from harness.platforms.processed import processed
from harness.stack import LEDGER, ON_FAILURE, VIEW, Stack
from harness.stream_reader import StreamReader
from harness.threads import ThreadWriters

POLL_SECONDS = 0.05
# A scenario's limits are meant for virtual time; nobody waits for hours of the real one.
MAX_REST_SECONDS = 30.0
MAX_START_SECONDS = 30.0
_KEY = "function.zip"
STACK_PREFIX = "harness-"


class LocalStack:
    """One pipeline while the context lasts; its stack is gone afterwards, however the run ended."""

    name = "localstack"

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began = time.time_ns() // 1000
        self._control = Control(self.client("dynamodb"), deployment.control_of(plan.stack.name))
        self.tickets = ControlTickets(self._control, len(plan.faults))
        append = plan.history.append
        self.nemesis = Nemesis(plan.faults, plan.seed, lambda *operation: append(self.time(), *operation), self.tickets)
        self.writers = ThreadWriters(plan.history, self.nemesis, self.time)
        self._sinks = frozenset(table.name for role in (LEDGER, VIEW) for table in plan.stack.tables_of(role))
        self._source: StreamReader | None = None
        self._unprocessed: list[tuple[str, dict[str, Any]]] = []
        self._on_failure: list[str] = []
        self._told = 0
        self._merged: set[str] = set()
        self._exits = ExitStack()

    @staticmethod
    def refusals(stack: Stack, faults: Sequence[Fault]) -> list[str]:
        return capabilities.refusals(stack.mapping, faults)

    def __enter__(self) -> LocalStack:
        self._exits.enter_context(hook.Hooked(Wire(self.writers, self._sinks), {}))
        return self

    def __exit__(self, *error: object) -> None:
        with held_back():
            self._exits.close()

    def time(self) -> int:
        return time.time_ns() // 1000 - self._began

    def client(self, service: str) -> Any:
        return hook.own_client(service, endpoint=self._plan.endpoint)

    def deploy(self) -> None:
        stack, s3, cloudformation = self._plan.stack, self.client("s3"), self.client("cloudformation")
        bucket = deployment.bucket_of(stack.name)
        package = zipped(stack.function.root)
        with held_back():
            self._exits.callback(deployment.remove_upload, s3, bucket, _KEY)
            deployment.upload(s3, package, bucket, _KEY)
            self._exits.callback(self._control.delete)
            self._control.create()
        plan = FunctionPlan(tuple(self._plan.faults), self._plan.seed.value, self._began, self._sinks)
        self._control.put("plan", plan.to_json())
        self._exits.callback(deployment.delete, cloudformation, stack.name)
        deployment.create(cloudformation, stack, deployment.body(stack, self._control.table, bucket, _KEY))
        arn = self.client("dynamodb").describe_table(TableName=stack.source.name)["Table"]["LatestStreamArn"]
        self._source = StreamReader(self.client("dynamodbstreams"), arn)
        queues = [queue.name for queue in stack.queues_of(ON_FAILURE)]
        self._on_failure = [self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"] for name in queues]
        self._until(self._mapping_enabled, MAX_START_SECONDS)

    def rest(self, seconds: float) -> str:
        """Until every record that is in the stream was processed or given up, as the function and the queue tell."""
        bound = min(seconds, MAX_REST_SECONDS)
        quiet = self._until(lambda: not self._waiting(), bound)
        left = self._control.history()
        late = [operation for id, operation in left.items() if id not in self._merged]
        self._merged.update(left)
        fields = ("time", "process", "type", "f", "value", "error")
        self._plan.history.merge(tuple(operation[name] for name in fields) for operation in late)
        return "" if quiet else f"after {bound:g} s of real time, {self._waiting()}"

    def _waiting(self) -> str:
        """What is not done yet, in words; "" when everything is."""
        if self.writers.busy():
            return "a writer was still at work"
        assert self._source
        if self._unprocessed:
            operations = self._control.history().values()
            # As long as the function gets on, nothing of what it is at was given up.
            given_up = self._dead_letters() if len(operations) == self._told else []
            self._told = len(operations)
            done = processed(operations, given_up, self._plan.stack.mapping.report_batch_item_failures)
            self._unprocessed = [
                (shard, record)
                for shard, record in self._unprocessed
                if not done(shard, record["dynamodb"]["SequenceNumber"])
            ]
        if not self._unprocessed:  # till then it does not matter what else there is
            self._unprocessed = list(self._source.new_records())
        waiting = len(self._unprocessed)
        return f"{waiting} records were neither processed nor given up" if waiting else ""

    def _dead_letters(self) -> list[dict[str, Any]]:
        """A look at the on-failure queue that leaves every message where it is."""
        sqs = self.client("sqs")
        found = []
        for url in self._on_failure:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            found += [json.loads(message["Body"]) for message in answer.get("Messages", ())]
        return found

    def _mapping_enabled(self) -> bool:
        mappings = self.client("lambda").list_event_source_mappings(FunctionName=self._plan.stack.function.name)
        return [mapping["State"] for mapping in mappings["EventSourceMappings"]] == ["Enabled"]

    def _until(self, happened: Any, seconds: float) -> bool:
        retrying = Retrying(
            retry=retry_if_result(lambda result: not result),
            wait=wait_fixed(POLL_SECONDS),
            stop=stop_after_delay(seconds),
            retry_error_callback=lambda state: False,
        )
        return bool(retrying(happened))


def remove_stacks(endpoint: str) -> list[str]:
    """Deletes what runs left at an endpoint: stacks, control tables and code. Names what was deleted."""

    def client(service: str) -> Any:
        return hook.own_client(service, endpoint=endpoint)

    cloudformation, dynamodb, s3 = client("cloudformation"), client("dynamodb"), client("s3")
    removed = []
    for name in deployment.left_over(cloudformation):
        deployment.delete(cloudformation, name)
        removed.append(f"stack {name}")
    for table in dynamodb.get_paginator("list_tables").paginate().build_full_result()["TableNames"]:
        if _is_own(table, deployment.control_of("")):
            dynamodb.delete_table(TableName=table)
            removed.append(f"table {table}")
    for bucket in s3.list_buckets()["Buckets"]:
        if _is_own(bucket["Name"], deployment.bucket_of("")):
            deployment.remove_upload(s3, bucket["Name"], _KEY)
            removed.append(f"bucket {bucket['Name']}")
    return removed


def _is_own(name: str, suffix: str) -> bool:
    return name.startswith(STACK_PREFIX) and name.endswith(suffix)
