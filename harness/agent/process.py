"""The actor in the process of a deployed function, and the plan that it reads from the control table."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from harness.agent.actor import Actor, Process
from harness.agent.control import Control, ControlTickets, is_own
from harness.agent.requests import Names, Subject
from harness.agent.wire import network
from harness.faults import FAULTS
from harness.faults.base import Fault
from harness.faults.nemesis import Nemesis
from harness.faults.points import FUNCTION, Seed
from harness.history import INFO, INVOKE, Value

# Names that the deployer and the entry point agree on.
ENTRY = "harness.agent.entry.handler"
CONTROL, HANDLER = "HARNESS_CONTROL", "HARNESS_HANDLER"


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """`began` is the start of the run, in microseconds since the Unix epoch; `sinks` and `names` are the wire's.

    at_once: whether each operation is stored before the next one, because the process may be killed from outside.
    timeout: the function's, in seconds.
    """

    faults: tuple[Fault, ...]
    seed: int
    began: int
    timeout: int
    sinks: frozenset[str]
    at_once: bool = False
    names: Names = ((), ())

    def to_json(self) -> dict[str, Any]:
        faults = [
            [fault.NAME, {each.name: getattr(fault, each.name) for each in fields(fault)}] for fault in self.faults
        ]
        sinks = sorted(self.sinks)
        others = {name: getattr(self, name) for name in ("seed", "began", "timeout", "at_once", "names")}
        return {"faults": faults, "sinks": sinks, **others}

    @staticmethod
    def from_json(content: dict[str, Any]) -> FunctionPlan:
        faults = tuple(_fault(name, fields) for name, fields in content["faults"])
        intent, item = content["names"]
        return FunctionPlan(
            faults,
            content["seed"],
            content["began"],
            content["timeout"],
            frozenset(content["sinks"]),
            content["at_once"],
            (tuple(intent), tuple(item)),
        )


def _fault(name: str, values: dict[str, Any]) -> Fault:
    make: Callable[..., Fault] = FAULTS[name]
    return make(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


# An execution stores what it has recorded so long before its timeout, or half of what is left to it then.
_BEFORE_TIMEOUT_SECONDS = 0.5


class FunctionActor(Actor):
    """Speaks for the one execution that runs in this process. What it records is kept until `flush`.

    Its timeout kills the process. So shortly before that a thread stores what is recorded, with the end that the
    execution has if it tells no other; from then on each operation is stored at once.
    """

    def __init__(self, control: Control, plan: FunctionPlan, environment: int) -> None:
        tickets = ControlTickets(control, plan.faults)
        super().__init__(Nemesis(plan.faults, Seed(plan.seed), self.append, tickets), self.append)
        self.environment = environment
        self._control = control
        self._plan = plan
        self._network = network()
        self._process = Process("")
        self._executions = 0
        self._value: Value = {}  # of the execution's invocation, for the record of a crash
        self._unwritten: list[dict[str, Any]] = []
        self._written = 0
        self._storing = threading.RLock()
        self._at_once = plan.at_once
        self._running: Process | None = None
        self._source = f"{environment:06d}"

    def begin(self, subject: Subject, left_seconds: float) -> None:
        """Begins an execution, whose event is about the subject, and which has so many seconds until its timeout."""
        self._executions += 1
        self._process = Process(f"{FUNCTION}/{self.environment}.{self._executions}", subject)
        self._running, self._value = self._process, {}
        seconds = max(left_seconds - _BEFORE_TIMEOUT_SECONDS, left_seconds / 2)
        ends_at = self.time() + round(left_seconds * 1e6)
        self._timer = threading.Timer(seconds, self._store_timeout, (self._process, ends_at))
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Stores the execution's history, before its answer is handed over."""
        self._timer.cancel()
        with self._storing:
            self.flush()
            self._at_once = self._plan.at_once
            self._running = None

    def _store_timeout(self, process: Process, ends_at: int) -> None:
        with self._storing:
            if self._running is process and self._value:
                self._at_once = True
                self.flush()
                why = f"timed out after {self._plan.timeout} s"
                end = _operation(ends_at, process.name, INFO, "execute", self._value, why)
                self._control.append_end(self._source, self._executions, end)

    @property
    def process(self) -> Process:
        return self._process

    def time(self) -> int:
        return time.time_ns() // 1000 - self._plan.began

    def record(self, type: str, f: str, value: Value, error: str | None = None) -> None:
        if f == "execute" and type == INVOKE:
            self._value = value
        super().record(type, f, value, error)

    def append(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None:
        with self._storing:
            self._unwritten.append(_operation(self.time(), process, type, f, value, error))
            if self._at_once:
                self.flush()

    def flush(self) -> None:
        """Stores what was recorded, so that it outlives this process."""
        with self._storing:
            self._control.append(self._source, self._written, self._unwritten)
            self._written += len(self._unwritten)
            self._unwritten.clear()

    def exits(self, why: str) -> None:
        """The execution ends with the process."""
        self.record(INFO, "execute", self._value, f"crashed: {why}")

    def crash(self) -> NoReturn:
        self.exits("signal: killed")
        self.flush()
        _die()

    def crash_when_handed_over(self) -> None:
        """Dies once the answer was handed over, which is when AWS's runtime client asks for the next event."""
        from awslambdaric.lambda_runtime_client import (  # type: ignore[import-not-found]  # Lambda's runtime has it
            LambdaRuntimeClient,
        )

        self.flush()
        LambdaRuntimeClient.wait_next_invocation = _die

    def hang(self) -> NoReturn:
        self.flush()
        threading.Event().wait()
        raise AssertionError("an execution that hangs went on")

    def send(self, service: str, operation: str, request: Any) -> Any:
        return self._network.send(request) if self.observed() else None

    def observed(self) -> bool:
        return not is_own()


def _operation(time: int, process: str, type: str, f: str, value: Value, error: str | None) -> dict[str, Any]:
    return {"time": time, "process": process, "type": type, "f": f, "value": value, "error": error}


def _die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process went on")
