"""The two event source mappings of a remote platform, and the executions by which its own shows how far it is.

The harness's dispatcher can replace the platform's mapping. Executions leave their history in the control table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from harness.agent.control import UNLESS_ENDED, Control
from harness.delivery import filters
from harness.delivery.dispatcher import Dispatcher
from harness.delivery.redelivery import batch_info
from harness.delivery.shards import NOT_FOUND
from harness.delivery.sources import SOURCES, Record, intents
from harness.faults.points import FUNCTION
from harness.history import INFO, INVOKE, MICROSECONDS, OK, History, Value
from harness.observer import DeadLetters
from harness.pipeline.properties import MappingProperties
from harness.pipeline.resources import FOREVER, LATEST, Mapping, Queue
from harness.pipeline.stack import ON_FAILURE, Stack
from harness.platforms.deployed.threads import ThreadHost
from harness.waiting import Quiescence, until

LATE_SECONDS = 0.5  # how long after its timeout what an execution has stored may be seen
EXECUTION_SECONDS = 20.0  # how long to wait for an execution that can be killed
_FIELDS = ("time", "process", "type", "f", "value", "error")


class FunctionHistory:
    """The functions' operations, read from the control table and kept in case the platform loses its tables."""

    def __init__(self, control: Control, history: History, time: Callable[[], int]) -> None:
        """`time` gives microseconds since the run began."""
        self._control = control
        self._history = history
        self._time = time
        self._operations: dict[str, Value] = {}
        self._merged: set[str] = set()
        self._timeouts: dict[str, Value] = {}  # how executions end that do not tell their end
        self._names: dict[str, str] = {}  # of executions, in the order in which they began

    def read(self) -> list[Value]:
        """All operations so far, those of each process in their order."""
        try:
            entries = self._control.history()
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_FOUND:
                raise
            entries = {}
        new = entries.keys() - self._operations.keys() - self._timeouts.keys()
        for id in sorted(new, key=lambda id: (entries[id]["time"], id)):
            timed_out = entries[id].get(UNLESS_ENDED)
            (self._timeouts if timed_out else self._operations)[id] = self._renamed(entries[id])
        for id, operation in self._unended().items():
            if self._time() > operation["time"] + LATE_SECONDS * MICROSECONDS:
                self._operations[id] = operation
        return [self._operations[id] for id in sorted(self._operations)]

    def about_to_end(self) -> str:
        """In words, whether an execution is near its timeout, and has not told its end; else ""."""
        self.read()
        return "an execution was about to time out" if self._unended() else ""

    def _unended(self) -> dict[str, Value]:
        """The timeouts of executions whose end nothing tells yet."""
        ended = {op["process"] for op in self._operations.values() if op["f"] == "execute" and op["type"] != INVOKE}
        if not ended.issuperset(operation["process"] for operation in self._timeouts.values()):
            ended.update(op.process for op in self._history if op.f == "execute" and op.type != INVOKE)
        return {id: operation for id, operation in self._timeouts.items() if operation["process"] not in ended}

    def merge(self) -> None:
        """Appends the operations that are new since the last call to the run's history."""
        self.read()
        new = [self._operations[id] for id in sorted(self._operations) if id not in self._merged]
        self._merged.update(self._operations)
        self._history.merge(tuple(operation[name] for name in _FIELDS) for operation in new)

    def _renamed(self, operation: Value) -> Value:
        """Numbers the executions of all environments; each environment numbers its own only."""
        renamed = {**operation, "process": self._name(operation["process"])}
        if "process" in operation["value"]:
            renamed["value"] = {**operation["value"], "process": self._name(operation["value"]["process"])}
        return renamed

    def _name(self, process: str) -> str:
        if not process.startswith(f"{FUNCTION}/"):
            return process
        return self._names.setdefault(process, f"{FUNCTION}/{len(self._names) + 1}")


def processed(
    operations: Iterable[dict[str, Any]],
    dead_letters: Iterable[dict[str, Any]],
    mapping: Mapping,
    counts: bool = False,
) -> Callable[[str, str], bool]:
    """A function that says of a shard and a sequence number whether the record was processed or given up.

    counts: whether a record counts as given up after as many failures as the mapping allows, where Lambda reports none.
    """
    done: set[int] = set()
    failed: Counter[int] = Counter()
    for operation in operations:
        if operation["f"] == "execute" and operation["type"] != INVOKE:
            succeeded = operation["type"] == OK
            acknowledged = _acknowledged(operation["value"], mapping.report_batch_item_failures) if succeeded else []
            done.update(acknowledged)
            failed.update({int(number) for number in operation["value"]["sequence_numbers"]} - {*acknowledged})
    if counts and mapping.maximum_retry_attempts != FOREVER:
        done.update(number for number, times in failed.items() if times > mapping.maximum_retry_attempts)
    batches = [batch_info(letter) for letter in dead_letters]
    spans = [
        (batch["shardId"], int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])) for batch in batches
    ]

    def is_processed(shard: str, number: str) -> bool:
        given_up = any(shard == other and start <= int(number) <= end for other, start, end in spans)
        return given_up or int(number) in done

    return is_processed


def _acknowledged(execution: dict[str, Any], reports: bool) -> list[int]:
    """The sequence numbers that an execution acknowledged: those below the lowest that it reported (S-75).

    A report of a number that is not in the batch fails the whole batch (S-74).
    """
    numbers = [int(number) for number in execution["sequence_numbers"]]
    reported = execution["reported"] if reports else []
    if any(str(name) not in map(str, numbers) and name not in execution["sequence_numbers"] for name in reported):
        return []
    return [number for number in numbers if all(number < int(name) for name in reported)]


def under_way(operations: Iterable[Value], once: str) -> list[Value]:
    """The executions that have begun and not ended; unless `once` is "started", those that have applied an effect."""
    begun: dict[str, Value] = {}
    applied: set[str] = set()
    for operation in operations:
        process, f, type = operation["process"], operation["f"], operation["type"]
        if f == "execute" and type == INVOKE:
            begun[process] = operation
        elif f == "execute":
            begun.pop(process, None)
        elif type == OK and operation["value"].get("effect"):
            applied.add(process)
    return [operation for process, operation in begun.items() if process in applied or once == "started"]


Records = list[tuple[str, Record]]  # of the source, each with its shard
Note = Callable[[str, str, str, Value], object]  # process, type, f, value
HANDLED = ("deliver", "filter", "discard")  # what the dispatcher does with a record
_IDLE_SECONDS = 0.3  # a function that leaves operations more often has not given up any record yet
# What is taken from a removed mapping to make another one like it.
SETTINGS = {MappingProperties.key(name) for name in MappingProperties.FIELDS} - {"Enabled", "FunctionName"}


class PlatformMapping:
    """The platform's own mapping. Its deliveries cannot be seen: the function's history and the on-failure queue show
    how far it is.

    `client` makes the harness's own clients, by the name of a service; `note` appends to the run's history;
    `quiet_seconds` is how long nothing must change before what was never delivered counts as missed;
    `change_seconds` is how long a mapping may take to change.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        stack: Stack,
        function_history: FunctionHistory,
        dead_letters: DeadLetters,
        note: Note,
        quiet_seconds: float,
        change_seconds: float,
    ) -> None:
        self._client = client
        self._change_seconds = change_seconds
        self._note = note
        self._stack = stack
        self._function_history = function_history
        self._dead_letters = dead_letters
        self._idle = Quiescence(_IDLE_SECONDS)
        self._removed: dict[str, Any] = {}
        self._made = ""
        self._quiescence = Quiescence(quiet_seconds)

    def start(self) -> None:
        """Waits until the mapping delivers. Raises TimeoutError when it does not."""
        self._until_state("Enabled")

    def stop(self) -> None:
        """Deletes a mapping that `create` made, which is not in the stack; the stack deletes its own."""
        if self._made:
            with suppress(self._client("lambda").exceptions.ResourceNotFoundException):
                self._client("lambda").delete_event_source_mapping(UUID=self._made)

    def remove(self, action: object) -> None:
        (self._removed,) = self._mappings()
        self._client("lambda").delete_event_source_mapping(UUID=self._removed["UUID"])
        self._until_state()

    def create(self) -> None:
        """Creates a mapping with the settings of the one that was removed."""
        settings = {name: value for name, value in self._removed.items() if name in SETTINGS and value is not None}
        made = self._client("lambda").create_event_source_mapping(FunctionName=self._stack.function.name, **settings)
        self._made = made["UUID"]
        self._until_state("Enabled")

    def disable(self, action: object) -> None:
        self._switch(False, "Disabled")

    def enable(self) -> None:
        self._switch(True, "Enabled")

    def waiting(self, records: Records) -> tuple[str, Records]:
        """What the mapping still has to do, in words, or "" for nothing; and which of the records are not done."""
        records = self._let_through(records)
        if not records:
            return "", []
        operations = self._function_history.read()
        given_up = self._dead_letters.read() if self._idle.lasts(len(operations)) else []
        # A new mapping may deliver again what the removed one had given up.
        counts = self._stack.mapping.on_failure_arn is None and not self._made
        done = processed(operations, given_up, self._stack.mapping, counts)
        waiting = [(shard, record) for shard, record in records if not done(shard, record.sequence_number)]
        if not waiting or self._misses(waiting, operations):
            return "", waiting
        return f"{len(waiting)} records were neither processed nor given up", waiting

    def _let_through(self, records: Records) -> Records:
        """The records that pass the mapping's filters. The others go to the history, as Lambda reports none (S-84)."""
        passed = []
        for shard, record in records:
            if filters.passes(record.filtered, self._stack.mapping.filter_criteria):
                passed.append((shard, record))
            else:
                value = {"shard": shard, "sequence_numbers": [record.sequence_number], "intents": [*intents([record])]}
                self._note("observer", INFO, "filter", value)
        return passed

    def _misses(self, waiting: Records, operations: list[Value]) -> bool:
        """Whether LATEST has missed them. Lambda does not report it (S-87), so it counts as missed when no execution
        had any of the records, none is under way, and nothing has changed for a while."""
        executed = {number for each in operations for number in each["value"].get("sequence_numbers", ())}
        numbers = (record.sequence_number for _, record in waiting)
        pending = executed.intersection(numbers) or under_way(operations, "started")
        quiet = self._quiescence.lasts((len(operations), len(waiting)))
        return self._stack.mapping.starting_position == LATEST and not pending and quiet

    def _switch(self, on: bool, state: str) -> None:
        (mapping,) = self._mappings()
        self._client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
        self._until_state(state)

    def _mappings(self) -> list[dict[str, Any]]:
        answer = self._client("lambda").list_event_source_mappings(FunctionName=self._stack.function.name)
        mappings: list[dict[str, Any]] = answer["EventSourceMappings"]
        return mappings

    def _until_state(self, *states: str) -> None:
        """Waits until the states of the function's mappings are these. Raises TimeoutError."""

        def reached() -> bool:
            return [mapping["State"] for mapping in self._mappings()] == list(states)

        if not until(reached, self._change_seconds):
            wanted = " and ".join(states) or "gone"
            raise TimeoutError(f"the event source mapping was not {wanted} after {self._change_seconds:g} s")


class HarnessMapping:
    """The harness's dispatcher in place of the platform's mapping: it reads that stream and invokes that function.

    `client` and `quiet_seconds` are as for the platform's own mapping.
    """

    def __init__(
        self, host: ThreadHost, client: Callable[[str], Any], stack: Stack, history: History, quiet_seconds: float
    ) -> None:
        self._host = host
        self._client = client
        self._stack = stack
        self._history = history
        self._new_dispatcher: Callable[[], Dispatcher]
        self._dispatcher: Dispatcher | None = None
        self._quiescence = Quiescence(quiet_seconds)

    def start(self) -> None:
        """Looks up the ARNs, which are known only after the deployment, and starts the dispatcher."""
        stack, mapping = self._stack, self._stack.mapping
        stream_arn = SOURCES[stack.source.service].stream_arn(self._client, stack.source.name)
        function = self._client("lambda").get_function(FunctionName=stack.function.name)["Configuration"]
        if mapping.on_failure_arn:
            mapping = replace(mapping, on_failure_arn=self._queue_arn())
        arns = (stream_arn, function["FunctionArn"], function["Role"])
        self._new_dispatcher = partial(Dispatcher, self._host, mapping, *arns)
        self._dispatcher = self._new_dispatcher()
        self._dispatcher.start(first=True)

    def stop(self) -> None:
        if self._dispatcher:
            with self._host.turn:
                self._dispatcher.stop()
        self._host.close()

    def remove(self, action: object) -> None:
        with self._host.turn:
            self._delivering.stop()

    def create(self) -> None:
        self._dispatcher = self._new_dispatcher()
        self._dispatcher.start()

    def disable(self, action: object) -> None:
        with self._host.turn:
            self._delivering.disable()

    def enable(self) -> None:
        with self._host.turn:
            self._delivering.enable()

    def waiting(self, records: Records) -> tuple[str, Records]:
        """What the mapping still has to do, in words, or "" for nothing; and which of the records are not done."""
        seen = {
            (operation.value["shard"], int(number))
            for operation in list(self._history.operations)
            if operation.f in HANDLED and operation.role == "dispatcher"
            for number in operation.value["sequence_numbers"]
        }
        unseen = [pair for pair in records if (pair[0], int(pair[1].sequence_number)) not in seen]
        with self._host.turn:
            idle = self._delivering.idle
        if not idle:
            return "the dispatcher was still at work", unseen
        # LATEST may have missed records, which Lambda does not report (S-87).
        quiet = self._quiescence.lasts((len(unseen), len(seen)))
        missed = self._stack.mapping.starting_position == LATEST and quiet
        return f"{len(unseen)} records were not delivered" if unseen and not missed else "", unseen

    @property
    def _delivering(self) -> Dispatcher:
        assert self._dispatcher
        return self._dispatcher

    def _queue_arn(self) -> str:
        (queue,) = self._stack.of(Queue, ON_FAILURE)
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
        arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn
