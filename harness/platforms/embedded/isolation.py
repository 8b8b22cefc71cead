"""The parts of Python that a run owns while it lasts: time, chance, botocore's pauses, output, and the process itself.

A handler runs in this process. On Lambda it has a process of its own: here its `print` goes to the run's log, its
`os._exit` ends its execution, and a connection that does not go over the wire is refused, because nothing else would
notice that it was made. Clocks and sleeps are the simulation's; `random`, `uuid4`, `secrets` and `os.urandom` follow
from the run's seed.
"""

from __future__ import annotations

import datetime
import os
import random
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any, NoReturn, Protocol, Self, TextIO

import time_machine
from botocore.retries import bucket
from botocore.retries.standard import ExponentialBackoff

from harness.errors import NotImitated


class Replacements:
    """A context; a subclass says in `replace_all` what is replaced."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any]] = []

    def replace_all(self) -> None:
        raise NotImplementedError

    def replace(self, owner: Any, name: str, value: Any) -> None:
        self._kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def __enter__(self) -> Self:
        self.replace_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._kept:
            setattr(*self._kept.pop())


# Where a run's time begins. Any fixed moment will do; this one is easy to recognise in a record.
EPOCH = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
EPOCH_MICROSECONDS = int(EPOCH.timestamp()) * 1_000_000
real_seconds = time.perf_counter


class VirtualClock(Replacements):
    """A context in which `time` and `datetime` show the run's time, and `time.sleep` waits in it.

    time-machine serves the wall clocks, `datetime` included; the monotonic ones, which it leaves alone, are replaced.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._sleep = sleep
        self._microseconds = 0
        self._travel = time_machine.travel(EPOCH, tick=False)

    def show(self, microseconds: int) -> None:
        """Sets all clocks to so many microseconds after the run began."""
        self._traveller.shift(datetime.timedelta(microseconds=microseconds - self._microseconds))
        self._microseconds = microseconds

    def replace_all(self) -> None:
        self._traveller = self._travel.start()
        self.replace(time, "sleep", self._sleep)
        for name in ("monotonic", "perf_counter"):
            self.replace(time, name, lambda: self._microseconds / 1e6)
            self.replace(time, f"{name}_ns", lambda: self._microseconds * 1000)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._travel.stop()


class _Current(random.Random):
    """Passes every draw on to the generator of whoever draws."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        self._current = current
        super().__init__()

    def random(self) -> float:
        return self._current().random()

    def getrandbits(self, k: int, /) -> int:
        return self._current().getrandbits(k)

    def seed(self, *arguments: Any, **named: Any) -> None:
        """A program that seeds does not get to choose: the run's seed stays in force."""


class OwnedChance(Replacements):
    """A context in which each actor draws from its own generator, so that one more draw here changes nothing there."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        super().__init__()
        self._current = current

    def replace_all(self) -> None:
        owned = _Current(self._current)
        shared = random._inst
        # Who took a function of this generator before the run still draws from it: in the run's order, from its seed.
        self._state = shared.getstate()
        shared.seed(self._current().getrandbits(64))
        for name in random.__all__:
            if getattr(getattr(random, name), "__self__", None) is shared:
                self.replace(random, name, getattr(owned, name))
        self.replace(random, "_urandom", self._bytes)  # SystemRandom's and so secrets' source
        self.replace(os, "urandom", self._bytes)  # uuid4's source
        self.replace(uuid, "uuid1", uuid.uuid4)  # would show this machine's address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        random.setstate(self._state)

    def _bytes(self, size: int, /) -> bytes:
        return self._current().randbytes(size)


_SHORTEST_SECONDS = 1e-6  # the run's clock shows no less: a shorter wait would be repeated for ever


class _Condition(threading.Condition):
    """Waits in the time of `time.sleep`, to the end: a client belongs to one process, so that nobody else notifies."""

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        time.sleep(max(timeout or 0, _SHORTEST_SECONDS))
        self.acquire()
        return True


class OwnedPauses(Replacements):
    """A context for clients that are made in it.

    Standard mode draws from `random.random` as it was when botocore was imported: here it looks the function up when
    it draws. Adaptive mode waits for its token bucket on a lock, in real time: here in the time of `time.sleep`.
    """

    def replace_all(self) -> None:
        initialise: Any = ExponentialBackoff.__init__
        kept = random._inst.random
        defaults = ((lambda: random.random()) if each == kept else each for each in initialise.__defaults__)
        self.replace(initialise, "__defaults__", tuple(defaults))
        self.replace(bucket, "threading", SimpleNamespace(Lock=threading.Lock, Condition=_Condition))


class Confined(Protocol):
    """Who runs now, and what can be done to it."""

    def inside(self) -> bool:
        """Whether the code that runs now belongs to an actor, not to the harness."""

    def end(self, why: str) -> NoReturn:
        """Ends the current actor's process."""

    def refuse(self, error: NotImitated) -> NoReturn:
        """Ends the run with this error, whatever the actor does with exceptions."""

    def log(self, text: str) -> None: ...


class Confinement(Replacements):
    """A context in which these functions of Python do something else for an actor, and the same as ever for others."""

    def __init__(self, confined: Confined) -> None:
        super().__init__()
        self._confined = confined

    def replace_all(self) -> None:
        self.replace(os, "_exit", self._in_place_of(os._exit, lambda status: f"exit status {status}"))
        self.replace(os, "abort", self._in_place_of(os.abort, lambda: "aborted"))
        self.replace(os, "kill", self._kill(os.kill))
        for name in ("connect", "connect_ex"):
            self.replace(socket.socket, name, self._connect(getattr(socket.socket, name)))
        for name in ("stdout", "stderr"):
            self.replace(sys, name, _Output(getattr(sys, name), self._confined))

    def _in_place_of(self, original: Callable[..., Any], why: Callable[..., str]) -> Callable[..., Any]:
        def end(*arguments: Any) -> Any:
            if self._confined.inside():
                self._confined.end(why(*arguments))
            return original(*arguments)

        return end

    def _kill(self, original: Callable[[int, int], None]) -> Callable[[int, int], None]:
        def kill(pid: int, number: int) -> None:
            if pid == os.getpid() and self._confined.inside():
                self._confined.end(f"signal {signal.Signals(number).name}")
            original(pid, number)

        return kill

    def _connect(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(connection: socket.socket, address: Any) -> Any:
            if self._confined.inside():
                self._confined.refuse(NotImitated(f"a connection to {address}: only AWS calls by boto3 are imitated"))
            return original(connection, address)

        return connect


class _Output:
    """Standard output or error: an actor's goes to the log of the run."""

    def __init__(self, original: TextIO, confined: Confined) -> None:
        self._original = original
        self._confined = confined

    def write(self, text: str) -> int:
        if not self._confined.inside():
            return self._original.write(text)
        self._confined.log(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
