"""Tasks in virtual time: the order of everything follows from the program."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.platforms.embedded.simulation import Simulation, Stopped


def simulation(max_steps: int = 10_000) -> Simulation:
    return Simulation(max_steps)


def test_time_jumps_to_what_comes_next() -> None:
    """Sleeping costs nothing: three sleepers wake in the order of their times, each at its own."""
    sim, woken = simulation(), []
    for seconds in (30, 10, 20):
        sim.spawn(f"p{seconds}", lambda seconds=seconds: (sim.sleep(seconds), woken.append((seconds, sim.now))))
    assert sim.run(100)
    assert woken == [(10, 10_000_000), (20, 20_000_000), (30, 30_000_000)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8))
def test_ties_are_in_the_order_in_which_they_were_scheduled(sleeps: list[tuple[int, int]]) -> None:
    """Any program of sleeps takes place in the order of (time, when it was scheduled), the same each time."""

    def play() -> list[tuple[int, int, int]]:
        sim, seen = simulation(), []

        def body(number: int, first: int, second: int) -> None:
            for step, seconds in enumerate((first, second)):
                sim.sleep(seconds)
                seen.append((sim.now, number, step))

        for number, (first, second) in enumerate(sleeps):
            sim.spawn(f"p{number}", lambda number=number, first=first, second=second: body(number, first, second))
        assert sim.run(100)
        return seen

    seen = play()
    assert seen == play()
    assert [time for time, _, _ in seen] == sorted(time for time, _, _ in seen)
    assert len(seen) == 2 * len(sleeps)


def test_run_stops_at_its_time_and_goes_on_later() -> None:
    """False: there is more to come. Nothing later than the deadline has happened."""
    sim, seen = simulation(), []
    sim.spawn("p", lambda: (sim.sleep(5), seen.append(sim.now)))
    assert not sim.run(4)
    assert (seen, sim.now) == ([], 4_000_000)
    assert sim.run(4)
    assert seen == [5_000_000]


def test_an_event_wakes_all_that_wait_for_it() -> None:
    """In the order in which they began to wait; it stays set until it is cleared."""
    sim, woken = simulation(), []
    event = sim.event()
    for name in ("a", "b"):
        sim.spawn(name, lambda name=name: (event.wait(), woken.append((name, sim.now))))
    sim.spawn("c", lambda: (sim.sleep(1), event.set()))
    sim.spawn("d", lambda: (sim.sleep(2), woken.append(("d", event.wait(1)))))
    assert sim.run(10)
    assert woken == [("a", 1_000_000), ("b", 1_000_000), ("d", True)]


def test_a_wait_ends_at_its_timeout() -> None:
    """And says that the event is not set; when it is set afterwards, a later wait is not woken by the earlier one."""
    sim, seen = simulation(), []
    event, other = sim.event(), sim.event()

    def body() -> None:
        seen.append((event.wait(1), sim.now))
        seen.append((other.wait(10), sim.now))

    sim.spawn("p", body)
    sim.spawn("q", lambda: (sim.sleep(2), event.set()))
    assert sim.run(100)
    assert seen == [(False, 1_000_000), (False, 11_000_000)]


def test_an_abandoned_task_does_nothing_more() -> None:
    """Not even its clean-up, as long as the simulation runs; whoever waits with it goes on."""
    sim, seen = simulation(), []

    def dying() -> None:
        try:
            sim.sleep(5)
            seen.append("woke")
        finally:
            seen.append("cleaned up")

    task = sim.spawn("p", dying)
    sim.at(1_000_000, lambda: sim.abandon([task]))
    sim.spawn("q", lambda: (sim.sleep(9), seen.append("went on")))
    assert sim.run(100)
    assert seen == ["went on"]
    sim.close()


def test_a_task_can_abandon_itself() -> None:
    """It stops at that line."""
    sim, seen = simulation(), []

    def body() -> None:
        assert sim.current
        sim.abandon([sim.current])
        seen.append("went on")

    sim.spawn("p", body)
    assert sim.run(1)
    assert seen == []
    sim.close()


def test_what_a_task_raises_ends_the_run() -> None:
    """With the very same exception, a KeyboardInterrupt included."""
    for error in (ValueError("a"), KeyboardInterrupt()):
        sim = simulation()

        def body(error: BaseException = error) -> None:
            raise error

        sim.spawn("p", body)
        with pytest.raises(type(error)) as raised:
            sim.run(1)
        assert raised.value is error


def test_what_never_rests_is_out_of_steps() -> None:
    """Every loop is bounded: also one in which time stands still."""
    sim = simulation(max_steps=100)

    def forever() -> None:
        while True:
            sim.sleep(0)

    sim.spawn("p", forever)
    with pytest.raises(Stopped):
        sim.run(1)
    with pytest.raises(Stopped):
        sim.run(1)
    sim.close()


def test_only_a_task_can_wait() -> None:
    """The hub that waited would wait for itself."""
    sim = simulation()
    waits: list[Callable[[], object]] = [lambda: sim.sleep(1), lambda: sim.event().wait()]
    for wait in waits:
        with pytest.raises(RuntimeError, match="only a task"):
            wait()


def test_who_runs_and_what_time_it_is_are_told() -> None:
    """`current` is the task that runs, None outside; `on_time` hears of every new time."""
    times: list[int] = []
    sim = Simulation(1000, times.append)
    seen: list[str] = []
    sim.spawn("a", lambda: (sim.sleep(1), seen.append(sim.require_task().process)))
    sim.spawn("b", lambda: sim.sleep(2))
    sim.at(1_500_000, lambda: seen.append(str(sim.current)))
    assert sim.run(10)
    assert (seen, times) == (["a", "None"], [1_000_000, 1_500_000, 2_000_000])


def test_closing_ends_every_task() -> None:
    """Their clean-up runs then, and nothing is left to do."""
    sim, seen = simulation(), []

    def body() -> None:
        try:
            sim.event().wait()
        finally:
            seen.append("cleaned up")

    sim.spawn("p", body)
    assert sim.run(1)
    sim.close()
    assert seen == ["cleaned up"]
    assert sim.run(1)


def test_clean_up_that_waits_is_ended_too() -> None:
    """What waits while it is cleaned up, however often, is ended by closing: nothing of a run stays in the process."""
    sim, seen = simulation(), []

    def body() -> None:
        try:
            sim.sleep(100)
        finally:
            try:
                sim.sleep(1)
            finally:
                sim.event().wait()
                seen.append("went on")

    task = sim.spawn("p", body)
    assert not sim.run(1)
    sim.close()
    assert task.greenlet.dead
    assert seen == []


def test_clean_up_without_an_end_does_not_hold_up_closing() -> None:
    """It is left as it is after a bounded number of waits."""
    sim, waits = simulation(), 0

    def body() -> None:
        nonlocal waits
        while True:
            try:
                waits += 1
                sim.sleep(100)
            except BaseException:
                continue

    sim.spawn("p", body)
    assert not sim.run(1)
    sim.close()
    assert 1 < waits < 1000
