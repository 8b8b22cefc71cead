"""Time and chance of a process belong to the run: clocks, sleeps, and everything that draws a random number."""

from __future__ import annotations

import datetime
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

# Where a run's time begins. Any fixed moment will do; this one is easy to recognise in a record.
EPOCH = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
EPOCH_MICROSECONDS = int(EPOCH.timestamp()) * 1_000_000


def _time_machine() -> Any:
    """It imports threading, which takes what it needs of `time` then, and pytest, unless that seems not to be there:
    for a fixture that nothing here uses, an eighth of a second.
    """
    hidden = "pytest" not in sys.modules
    if hidden:
        sys.modules["pytest"] = None  # type: ignore[assignment]
    try:
        import time_machine
    finally:
        if hidden:
            del sys.modules["pytest"]
    return time_machine


@contextmanager
def replaced(owner: object, **values: Any) -> Iterator[None]:
    """A context in which these attributes of a module or a class are others."""
    originals = {name: getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)


class VirtualClock:
    """A context in which `time` and `datetime` show the run's time, and `time.sleep` waits in it.

    No two readings are equal, as on Lambda: a reading is a microsecond later than the one before, if time stands still.
    time-machine serves the wall clocks, `datetime` included; the monotonic ones, which it leaves alone, are replaced.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._microseconds = 0
        self._last = -1  # reading

    def show(self, microseconds: int) -> None:
        """Sets all clocks to so many microseconds after the run began."""
        self._microseconds = microseconds

    def _read(self) -> int:
        self._last = max(self._microseconds, self._last + 1)
        return self._last

    def __enter__(self) -> Self:
        self._exits = ExitStack()
        self._exits.enter_context(replaced(time, **self.monotonic()))
        self._exits.enter_context(self.wall())
        return self

    def monotonic(self) -> dict[str, Callable[..., Any]]:
        """What `time` has in place of its monotonic clocks and of its sleep."""

        def seconds() -> float:
            return self._read() / 1e6

        def nanoseconds() -> int:
            return self._read() * 1000

        clocks = {"monotonic": seconds, "monotonic_ns": nanoseconds}
        counters = {"perf_counter": seconds, "perf_counter_ns": nanoseconds}
        return {"sleep": self._sleep, **clocks, **counters}

    @contextmanager
    def wall(self) -> Iterator[None]:
        with _time_machine().travel(EPOCH, tick=False) as traveller:
            shown: Any = traveller
            # All that time-machine shows is made of it.
            shown.time_ns = lambda: (EPOCH_MICROSECONDS + self._read()) * 1000
            yield

    def __exit__(self, *error: object) -> None:
        self._exits.close()


class Chance:
    """All that is random in a function's process, from one seed at a time: `random`, `uuid`, `secrets`, `os.urandom`.

    What the function gives to `random.seed` is ignored, as the run's seed stays in force.
    """

    def __init__(self) -> None:
        self._bytes = random.Random(0)

    def install(self) -> None:
        """For good: the process is the function's own."""
        self._seed = random.seed
        os.urandom = self._urandom  # uuid4's source
        random._urandom = self._urandom  # type: ignore[attr-defined]  # SystemRandom's, and so secrets'
        random.seed = lambda *_: None
        uuid.uuid1 = lambda *_: uuid.uuid4()  # the real one would show this machine's address

    def begin(self, seed: int) -> None:
        self._seed(seed)
        self._bytes = random.Random(f"{seed} bytes")

    def _urandom(self, size: int, /) -> bytes:
        return self._bytes.randbytes(size)
