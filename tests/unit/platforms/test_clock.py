"""The run owns time, and gives it back."""

from __future__ import annotations

import datetime
import time
from time import perf_counter

from harness.environment.determinism import EPOCH, EPOCH_MICROSECONDS, VirtualClock


def test_every_clock_shows_the_time_of_the_run() -> None:
    """Wall clocks and monotonic ones, in whole microseconds, from the beginning of 2030."""
    clock = VirtualClock(lambda seconds: None)
    readings = {
        "now": lambda: round(datetime.datetime.now(datetime.UTC).timestamp() * 1e6) - EPOCH_MICROSECONDS,
        "time": lambda: round(time.time() * 1e6) - EPOCH_MICROSECONDS,
        "time_ns": lambda: time.time_ns() // 1000 - EPOCH_MICROSECONDS,
        "monotonic": lambda: round(time.monotonic() * 1e6),
        "monotonic_ns": lambda: time.monotonic_ns() // 1000,
        "perf_counter": lambda: round(time.perf_counter() * 1e6),
        "perf_counter_ns": lambda: time.perf_counter_ns() // 1000,
    }
    with clock:
        for microseconds in (0, 100, 999_900, 1_000_100, 86_400_000_000 + 7):
            clock.show(microseconds)
            assert [read() - microseconds for read in readings.values()] == list(range(len(readings)))
            assert time.gmtime()[:6] == (EPOCH + datetime.timedelta(microseconds=microseconds)).timetuple()[:6]


def test_no_two_readings_are_equal_and_none_goes_back() -> None:
    """Each is a microsecond later than the one before where time stands still: rows may be keyed by a clock."""
    with VirtualClock(lambda seconds: None) as clock:
        seen = [time.time_ns() for _ in range(100)]
        clock.show(50)
        seen += [time.time_ns(), time.time_ns()]
        assert seen == [(EPOCH_MICROSECONDS + microsecond) * 1000 for microsecond in range(102)]


def test_to_sleep_is_to_wait_in_the_run() -> None:
    """`time.sleep` is the simulation's."""
    slept: list[float] = []
    with VirtualClock(slept.append):
        time.sleep(3600)
    assert slept == [3600]


def test_time_is_given_back() -> None:
    """After a run every clock is the real one again; how long a run took here is told by a clock it never owned."""
    names = ("time", "time_ns", "sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
    before = [getattr(time, name) for name in names]
    began = perf_counter()
    with VirtualClock(lambda seconds: None) as clock:
        clock.show(10**12)
        assert 0 <= perf_counter() - began < 60
    assert [getattr(time, name) for name in names] == before
    assert time.time() < EPOCH_MICROSECONDS / 1e6
