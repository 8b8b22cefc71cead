"""Writers on a platform that is somewhere else: each a thread, with the real clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from harness.action import Action
from harness.agent.control import is_own
from harness.agent.host import Subject
from harness.agent.wire import network
from harness.history import History, Value
from harness.nemesis import Nemesis
from harness.point import Point


class ThreadWriters:
    """The host of the clients: speaks for the writer whose thread this is. Other threads are the harness itself."""

    def __init__(self, history: History, nemesis: Nemesis, time: Callable[[], int]) -> None:
        self._history = history
        self._nemesis = nemesis
        self._time = time
        self._network = network()
        self._here = threading.local()
        self._deciding = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start_writer(self, body: Callable[[], None]) -> None:
        name = f"writer/{len(self._threads)}"
        thread = threading.Thread(target=self._run, args=(name, body), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def busy(self) -> bool:
        """Raises what a writer raised."""
        if self._errors:
            raise self._errors[0]
        return any(thread.is_alive() for thread in self._threads)

    def record(self, type: str, f: str, value: Value, error: str | None = None) -> None:
        self._history.append(self._time(), self._here.process, type, f, value, error)

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        with self._deciding:
            return self._nemesis.decide(
                Point(
                    self._here.process,
                    call,
                    when,
                    self._time(),
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

    def _run(self, name: str, body: Callable[[], None]) -> None:
        self._here.process = name
        self._here.calls = 0
        try:
            body()
        except BaseException as error:
            self._errors.append(error)
