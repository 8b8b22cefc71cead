"""The processes of a run on a remote platform: each a thread, with the real clock.

The dispatcher's threads take turns: one of them runs at a time, and its turn ends where it waits or calls AWS, as the
turn of a task of the embedded platform does. So the dispatcher, which is the same there and here, needs no locks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.agent.actor import Process
from harness.agent.control import is_own
from harness.agent.wire import network
from harness.faults.actions import Disrupt
from harness.faults.nemesis import Nemesis
from harness.faults.points import Seed
from harness.history import History, Value
from harness.workload.client import WriterActor


class Threads(WriterActor):
    """The processes of a run and their calls: a thread that was started here is a process, any other is the harness.

    `time` gives microseconds since the run began; `disrupt` disrupts the platform.
    """

    def __init__(
        self, history: History, nemesis: Nemesis, time: Callable[[], int], disrupt: Callable[[Disrupt], None]
    ) -> None:
        super().__init__(nemesis, lambda *operation: history.append(time(), *operation))
        self._time = time
        self._disrupt = disrupt
        self._network = network()
        self._here = threading.local()
        self._writers = 0
        self._starting = threading.Lock()  # a writer may start another one
        self._running: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, process: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._run, args=(process, body), name=process, daemon=True)
        with self._starting:  # a thread that has not begun counts as not alive
            thread.start()
            self._running = [*(other for other in self._running if other.is_alive()), thread]

    def start_writer(self, body: Callable[[], None]) -> None:
        with self._starting:
            number = self._writers
            self._writers += 1
        self.start(f"writer/{number}", body)

    def busy(self, role: str) -> bool:
        """Whether a process of this role runs. Raises what any process raised."""
        if self._errors:
            raise self._errors[0]
        return any(thread.is_alive() for thread in self._of(role))

    def join(self, role: str, seconds: float) -> None:
        """Waits until the processes of this role have ended, at most so many seconds for all of them."""
        deadline = time.monotonic() + seconds
        for thread in self._of(role):
            thread.join(max(0.0, deadline - time.monotonic()))

    def disrupt(self, action: Disrupt) -> None:
        self._disrupt(action)

    @property
    def process(self) -> Process:
        process: Process = self._here.process
        return process

    def time(self) -> int:
        return self._time()

    def send(self, service: str, operation: str, request: Any) -> Any:
        return self._network.send(request) if self.observed() else None

    def observed(self) -> bool:
        return hasattr(self._here, "process") and not is_own()

    def _of(self, role: str) -> list[threading.Thread]:
        return [thread for thread in self._running if thread.name.partition("/")[0] == role]

    def _run(self, process: str, body: Callable[[], None]) -> None:
        self._here.process = Process(process)
        try:
            body()
        except BaseException as error:
            self._errors.append(error)


POLL_SECONDS = 0.1  # of a shard: no notification tells of an append
END_SECONDS = 10.0


class ThreadHost:
    """The dispatcher's host on a remote platform. A thread runs while it holds the `turn`.

    client: gives a client whose SDK does not retry, by the name of a service.
    """

    def __init__(
        self,
        threads: Threads,
        history: History,
        nemesis: Nemesis,
        seed: Seed,
        client: Callable[[str], Any],
        timestamp_seconds: int,
    ) -> None:
        self.timestamp_seconds = timestamp_seconds
        self.seed = seed
        self._threads = threads
        self._history = history
        self._client = client
        self.turn = threading.Lock()
        self.time = threads.time
        self.decide = nemesis.decide
        self._closing = threading.Event()
        self._events: list[_Event] = []

    @contextmanager
    def away(self) -> Iterator[None]:
        """Gives up the turn while this thread blocks."""
        self.turn.release()
        try:
            yield
        finally:
            self.turn.acquire()

    def close(self) -> None:
        """Wakes all threads after the dispatcher was stopped, and waits until they have ended."""
        self._closing.set()
        for event in self._events:
            event.set()
        self._threads.join("dispatcher", END_SECONDS)

    def now(self) -> int:
        return time.time_ns() // 1000

    def spawn(self, process: str, body: Callable[[], None]) -> None:
        def in_turn() -> None:
            with self.turn:
                body()

        self._threads.start(process, in_turn)

    def sleep(self, seconds: float) -> None:
        with self.away():
            self._closing.wait(seconds)

    def event(self) -> _Event:
        self._events.append(_Event(self))
        return self._events[-1]

    def wait_for_records(self, shard_id: str, timeout: float | None) -> None:
        self.sleep(POLL_SECONDS if timeout is None else min(POLL_SECONDS, timeout))

    def client(self, service: str) -> Any:
        return _Client(self._client(service), self)

    def record(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None:
        self._history.append(self.time(), process, type, f, value, error)


class _Event:
    def __init__(self, host: ThreadHost) -> None:
        self._host = host
        self._flag = threading.Event()
        self.set, self.clear = self._flag.set, self._flag.clear

    def wait(self, timeout: float | None) -> bool:
        with self._host.away():
            return self._flag.wait(timeout)


class _Client:
    """A boto3 client that gives up the turn during its calls."""

    def __init__(self, client: Any, host: ThreadHost) -> None:
        self._client = client
        self._host = host

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def away(**arguments: Any) -> Any:
            with self._host.away():
                return call(**arguments)

        return away
