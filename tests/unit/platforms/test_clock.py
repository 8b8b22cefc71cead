"""The run owns time, and gives it back."""

from __future__ import annotations

import datetime
import time
from time import perf_counter

from harness.platforms.embedded.isolation import VirtualClock
from harness.platforms.embedded.simulation import EPOCH, EPOCH_MICROSECONDS


def test_every_clock_shows_the_time_of_the_run() -> None:
    """Wall clocks and monotonic ones, in whole microseconds, from the beginning of 2030."""
    clock = VirtualClock(lambda seconds: None)
    with clock:
        for microseconds in (0, 1, 999_999, 1_000_000, 86_400_000_000 + 7):
            clock.show(microseconds)
            moment = EPOCH + datetime.timedelta(microseconds=microseconds)
            assert datetime.datetime.now(datetime.UTC) == moment
            assert datetime.datetime.fromtimestamp(time.time(), datetime.UTC) == moment
            assert time.time_ns() == (EPOCH_MICROSECONDS + microseconds) * 1000
            assert time.gmtime()[:6] == moment.timetuple()[:6]
            assert (time.monotonic_ns(), time.perf_counter_ns()) == (microseconds * 1000,) * 2
            assert (time.monotonic(), time.perf_counter()) == (microseconds / 1e6,) * 2


def test_time_stands_still_between() -> None:
    """Whatever is computed in between takes no time: two looks show the same."""
    with VirtualClock(lambda seconds: None):
        assert time.time_ns() == time.time_ns()
        assert datetime.datetime.now() == datetime.datetime.now()


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
