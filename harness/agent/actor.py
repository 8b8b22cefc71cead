"""The process that makes a call, and what the wire and the agent need of whoever runs it."""

from __future__ import annotations

import io
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from harness.agent.requests import Subject
from harness.faults.actions import Action
from harness.faults.nemesis import Nemesis
from harness.faults.points import Point
from harness.history import Value


class Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass(eq=False)
class Process:
    """A writer, or one execution of the function; `subject` is that of its event, `calls` counts its API calls."""

    name: str
    subject: Subject = field(default_factory=Subject)
    calls: int = 0


class Actor(ABC):
    """Runs processes and speaks for the current one. The defaults are those of a writer in real time.

    `append` adds an operation to the history: process, type, f, value, error.
    """

    def __init__(self, nemesis: Nemesis, append: Callable[[str, str, str, Value, str | None], object]) -> None:
        self._nemesis = nemesis
        self._append = append

    @property
    @abstractmethod
    def process(self) -> Process:
        """The process whose code runs now."""

    @abstractmethod
    def time(self) -> int:
        """Microseconds since the run began."""

    @abstractmethod
    def observed(self) -> bool:
        """Whether the current call is part of the experiment; the harness's own calls are not."""

    @abstractmethod
    def send(self, service: str, operation: str, request: Any) -> Any:
        """Carries out a botocore request. Returns a botocore AWSResponse, or None to let botocore send it."""

    def record(self, type: str, f: str, value: Value, error: str | None = None) -> None:
        """Appends an operation of the current process to the history."""
        self._append(self.process.name, type, f, value, error)

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        """What the nemesis does at this point of the current process."""
        process = self.process
        subject = subject.within(process.subject)
        return self._nemesis.decide(
            Point(process.name, call, when, self.time(), subject.intents, subject.items, subject.effect, attempt)
        )

    def next_call(self) -> int:
        """Numbers the API calls of the current process, from 1."""
        self.process.calls += 1
        return self.process.calls

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def crash(self) -> NoReturn:
        """Ends the current process at once, without clean-up."""
        raise RuntimeError("only the function can crash")

    def hang(self) -> NoReturn:
        """Blocks until the function's timeout ends the execution."""
        raise RuntimeError("only the function can hang")
