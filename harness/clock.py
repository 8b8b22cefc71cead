"""The run owns time: while it lasts, every clock and every sleep in this process is the simulation's."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from types import TracebackType

import time_machine

from harness.replacement import Replacements

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
