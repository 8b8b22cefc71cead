"""Executions of a function on a remote platform: the history that they leave, and what it tells about records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from harness.agent.control import UNLESS_ENDED, Control
from harness.delivery.redelivery import batch_info
from harness.delivery.shards import NOT_FOUND
from harness.faults.points import FUNCTION
from harness.history import INVOKE, MICROSECONDS, OK, History, Value
from harness.pipeline.resources import FOREVER, Mapping

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
