"""The function in a process of its own: the plan it gets, the real clock, the real network, and a real death."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from harness.agent.actor import Subject
from harness.agent.control import Control, is_own
from harness.agent.requests import Names
from harness.agent.wire import network
from harness.faults import FAULTS
from harness.faults.actions import FUNCTION, Action, Point
from harness.faults.base import Fault
from harness.faults.nemesis import Nemesis
from harness.history import INFO, INVOKE, Value

# Names that the deployer and the entry point agree on.
ENTRY = "harness.agent.entry.handler"
CONTROL, HANDLER = "HARNESS_CONTROL", "HARNESS_HANDLER"


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """`began` is when the run began, in microseconds since the Unix epoch; `sinks` and `names` are the wire's.

    at_once: whether each operation is stored before the next, because the process may be killed from outside.
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
        plain = {"seed": self.seed, "began": self.began, "at_once": self.at_once, "names": self.names}
        return {"faults": faults, "sinks": sinks, **plain}

    @staticmethod
    def from_json(content: dict[str, Any]) -> FunctionPlan:
        faults = tuple(_fault(name, given) for name, given in content["faults"])
        intent, item = content["names"]
        return FunctionPlan(
            faults,
            content["seed"],
            content["began"],
            frozenset(content["sinks"]),
            content["at_once"],
            (tuple(intent), tuple(item)),
        )


def _fault(name: str, given: dict[str, Any]) -> Fault:
    make: Callable[..., Fault] = FAULTS[name]
    return make(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})


class FunctionHost:
    """Speaks for the one execution that runs in this process. What it records is kept until `flush`."""

    nemesis: Nemesis

    def __init__(self, control: Control, began: int, at_once: bool, environment: int) -> None:
        self.environment = environment
        self._at_once = at_once
        self.process = ""
        self._control = control
        self._began = began
        self._network = network()
        self._kept: list[dict[str, Any]] = []
        self._written = 0
        self._executions = 0
        self._calls = 0
        self._execution: Value = {}
        self._subject = Subject()

    def begin(self, subject: Subject) -> None:
        self._executions += 1
        self.process = f"{FUNCTION}/{self.environment}.{self._executions}"
        self._subject = subject
        self._calls = 0

    def record(self, type: str, f: str, value: Value, error: str | None = None) -> None:
        if f == "execute" and type == INVOKE:
            self._execution = value
        self.append(self.process, type, f, value, error)

    def append(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None:
        time = self.time()
        self._kept.append({"time": time, "process": process, "type": type, "f": f, "value": value, "error": error})
        if self._at_once:
            self.flush()

    def time(self) -> int:
        return time.time_ns() // 1000 - self._began

    def flush(self) -> None:
        """Stores what was recorded, so that it outlives this process."""
        self._control.append(f"{self.environment:06d}", self._written, self._kept)
        self._written += len(self._kept)
        self._kept.clear()

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        subject = subject.within(self._subject)
        return self.nemesis.decide(
            Point(self.process, call, when, self.time(), subject.intents, subject.items, subject.effect, attempt)
        )

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def crash(self) -> NoReturn:
        self.append(self.process, INFO, "execute", self._execution, "crashed: signal: killed")
        self.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("a killed process went on")

    def crash_when_handed_over(self) -> None:
        """Dies as soon as the answer was taken: AWS's runtime client asks for the next event then, and not before."""
        from awslambdaric.lambda_runtime_client import (  # type: ignore[import-not-found]  # Lambda's runtime has it
            LambdaRuntimeClient,
        )

        def die(client: object) -> NoReturn:
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("a killed process went on")

        self.flush()
        LambdaRuntimeClient.wait_next_invocation = die

    def hang(self) -> NoReturn:
        self.flush()
        threading.Event().wait()
        raise AssertionError("an execution that hangs went on")

    def send(self, service: str, operation: str, request: Any) -> Any:
        """None leaves the request to botocore."""
        return self._network.send(request) if self.observed() else None

    def observed(self) -> bool:
        return not is_own()

    def next_call(self) -> int:
        self._calls += 1
        return self._calls
