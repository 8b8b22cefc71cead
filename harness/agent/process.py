"""The agent's host in a process of its own: the real clock, the real network, and a real death."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, NoReturn

from harness.agent.control import Control, is_own
from harness.agent.host import Subject
from harness.agent.wire import network
from harness.faults.actions import FUNCTION, Action, Point
from harness.faults.nemesis import Nemesis
from harness.history import INFO, INVOKE, Value


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
