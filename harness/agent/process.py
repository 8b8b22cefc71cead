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
from harness.faults.points import FUNCTION
from harness.faults.seed import Seed
from harness.history import INFO, INVOKE, Value

# Names that the deployer and the entry point agree on.
ENTRY = "harness.agent.entry.handler"
CONTROL, HANDLER = "HARNESS_CONTROL", "HARNESS_HANDLER"


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """`began` is the start of the run, in microseconds since the Unix epoch; `sinks` and `names` are the wire's.

    at_once: whether each operation is stored before the next one, because the process may be killed from outside.
    """

    faults: tuple[Fault, ...]
    seed: int
    began: int
    sinks: frozenset[str]
    at_once: bool = False
    names: Names = ((), ())

    def to_json(self) -> dict[str, Any]:
        faults = [
            [fault.NAME, {each.name: getattr(fault, each.name) for each in fields(fault)}] for fault in self.faults
        ]
        sinks = sorted(self.sinks)
        others = {"seed": self.seed, "began": self.began, "at_once": self.at_once, "names": self.names}
        return {"faults": faults, "sinks": sinks, **others}

    @staticmethod
    def from_json(content: dict[str, Any]) -> FunctionPlan:
        faults = tuple(_fault(name, fields) for name, fields in content["faults"])
        intent, item = content["names"]
        return FunctionPlan(
            faults,
            content["seed"],
            content["began"],
            frozenset(content["sinks"]),
            content["at_once"],
            (tuple(intent), tuple(item)),
        )


def _fault(name: str, values: dict[str, Any]) -> Fault:
    make: Callable[..., Fault] = FAULTS[name]
    return make(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


class FunctionActor(Actor):
    """Speaks for the one execution that runs in this process. What it records is kept until `flush`."""

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

    def begin(self, subject: Subject) -> None:
        """Begins an execution, whose event is about the subject."""
        self._executions += 1
        self._process = Process(f"{FUNCTION}/{self.environment}.{self._executions}", subject)

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
        operation = {"time": self.time(), "process": process, "type": type, "f": f, "value": value, "error": error}
        self._unwritten.append(operation)
        if self._plan.at_once:
            self.flush()

    def flush(self) -> None:
        """Stores what was recorded, so that it outlives this process."""
        self._control.append(f"{self.environment:06d}", self._written, self._unwritten)
        self._written += len(self._unwritten)
        self._unwritten.clear()

    def crash(self) -> NoReturn:
        self.record(INFO, "execute", self._value, "crashed: signal: killed")
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


def _die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process went on")
