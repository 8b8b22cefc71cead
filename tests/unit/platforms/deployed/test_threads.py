"""The dispatcher's threads on a real platform take turns, as its tasks do on the embedded one."""

from __future__ import annotations

import sys
import threading
import time

from harness.faults.nemesis import LocalTickets, Nemesis
from harness.faults.points import Seed
from harness.history import History
from harness.platforms.deployed.threads import ThreadHost, Threads

BOUND_SECONDS = 10.0


class SlowClient:
    """Each call is under way until as many others are."""

    def __init__(self, together: int) -> None:
        self._barrier = threading.Barrier(together)

    def call(self) -> int:
        return self._barrier.wait(BOUND_SECONDS)


def host(client: object = None) -> tuple[ThreadHost, Threads]:
    history = History()
    nemesis = Nemesis((), Seed(0), lambda *operation: None, LocalTickets(0))
    threads = Threads(history, nemesis, lambda: time.monotonic_ns() // 1000, lambda action: None)
    return ThreadHost(threads, history, nemesis, Seed(0), lambda service: client, 1), threads


def test_only_one_runs_at_a_time() -> None:
    """Ten threads that each read a number, let others go on if they could, and write it back: none is lost."""
    here, threads = host()
    number = 0

    def count() -> None:
        nonlocal number
        for _ in range(50):
            read = number
            time.sleep(0)
            number = read + 1

    for each in range(10):
        here.spawn(f"dispatcher/{each}", count)
    threads.join("dispatcher", BOUND_SECONDS)
    assert number == 500


def test_a_call_is_the_turn_of_the_others() -> None:
    """Three calls that wait for each other all end: none holds the turn while it is under way."""
    here, threads = host(SlowClient(together=3))
    answers: list[int] = []
    for each in range(3):
        here.spawn(f"dispatcher/{each}", lambda: answers.append(here.client("lambda").call()))
    threads.join("dispatcher", BOUND_SECONDS)
    assert sorted(answers) == [0, 1, 2]


def test_an_event_that_was_set_before_is_not_waited_for() -> None:
    """It stays set until it is cleared; with a timeout, who waits in vain is told so."""
    here, threads = host()
    event = here.event()
    told: list[bool] = []

    def wait() -> None:
        event.set()
        told.append(event.wait(None))
        event.clear()
        told.append(event.wait(0.01))

    here.spawn("dispatcher/0", wait)
    threads.join("dispatcher", BOUND_SECONDS)
    assert told == [True, False]


def test_closing_wakes_all_that_wait() -> None:
    """Sleeps and waits without a bound end, so that no thread outlives its run."""
    here, threads = host()
    event = here.event()
    here.spawn("dispatcher/0", lambda: here.sleep(3600))
    here.spawn("dispatcher/1", lambda: event.wait(None))
    assert threads.busy("dispatcher")
    here.close()
    assert not threads.busy("dispatcher")


def test_writers_that_several_threads_start_are_all_waited_for() -> None:
    """A writer starts another where a fault duplicates its change: each has a number, and is known while it runs."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(15):
            _, threads = host()
            assert _started_by_four(threads) == {f"writer/{number}" for number in range(12)}
    finally:
        sys.setswitchinterval(interval)


def _started_by_four(threads: Threads) -> set[str]:
    """Four threads start three writers each; the names of those that are known while all of them run."""
    stop = threading.Event()

    def start() -> None:
        for _ in range(3):
            threads.start_writer(lambda: stop.wait(BOUND_SECONDS) and None)

    starters = [threading.Thread(target=start) for _ in range(4)]
    for each in starters:
        each.start()
    for each in starters:
        each.join()
    names = {thread.name for thread in threads._of("writer")}
    stop.set()
    threads.join("writer", BOUND_SECONDS)
    assert not threads.busy("writer")
    return names
