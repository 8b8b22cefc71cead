"""The processes of a run on a platform that is somewhere else: each a thread, with the real clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from harness.action import Action, Disrupt
from harness.agent.control import is_own
from harness.agent.host import Subject
from harness.agent.wire import network
from harness.history import History, Value
from harness.nemesis import Nemesis
from harness.point import Point


class Threads:
    """The wire's host: speaks for the process whose thread this is. Any other thread is the harness itself.

    `time` gives microseconds since the run began.
    """

    def __init__(self, history: History, nemesis: Nemesis, time: Callable[[], int]) -> None:
        self.time = time
        self._history = history
        self._nemesis = nemesis
        self._network = network()
        self._here = threading.local()
        self._writers = 0
        self._running: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self.disrupt: Callable[[Disrupt], None] = _cannot

    def start(self, process: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._run, args=(process, body), name=process, daemon=True)
        self._running = [*(other for other in self._running if other.is_alive()), thread]
        thread.start()

    def start_writer(self, body: Callable[[], None]) -> None:
        number = self._writers
        self._writers += 1
        self.start(f"writer/{number}", body)

    def busy(self, role: str) -> bool:
        """Whether a process of this kind runs. Raises what any process raised."""
        if self._errors:
            raise self._errors[0]
        return any(thread.is_alive() for thread in self._of(role))

    def join(self, role: str, seconds: float) -> None:
        """Waits for their ends, so many seconds for all together."""
        deadline = time.monotonic() + seconds
        for thread in self._of(role):
            thread.join(max(0.0, deadline - time.monotonic()))

    def record(self, type: str, f: str, value: Value, error: str | None = None) -> None:
        self._history.append(self.time(), self._here.process, type, f, value, error)

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        return self._nemesis.decide(
            Point(
                self._here.process,
                call,
                when,
                self.time(),
                subject.intents,
                subject.items,
                subject.effect,
                attempt,
            )
        )

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def crash(self) -> NoReturn:
        raise RuntimeError("only the function can crash")

    def hang(self) -> NoReturn:
        raise RuntimeError("only the function can hang")

    def send(self, service: str, operation: str, request: Any) -> Any:
        """None leaves the request to botocore."""
        return self._network.send(request) if self.observed() else None

    def observed(self) -> bool:
        return hasattr(self._here, "process") and not is_own()

    def next_call(self) -> int:
        self._here.calls += 1
        calls: int = self._here.calls
        return calls

    def _of(self, role: str) -> list[threading.Thread]:
        return [thread for thread in self._running if thread.name.partition("/")[0] == role]

    def _run(self, process: str, body: Callable[[], None]) -> None:
        self._here.process = process
        self._here.calls = 0
        try:
            body()
        except BaseException as error:
            self._errors.append(error)


def _cannot(action: Disrupt) -> None:
    raise RuntimeError(f"nobody here can do it: {action}")
