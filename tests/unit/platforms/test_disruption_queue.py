"""Disruptions in real time: asked for by writers' threads, done by the harness's own, and put right."""

from __future__ import annotations

import threading

from harness.faults.actions import Disrupt
from harness.history import FAIL, INVOKE, OK
from harness.platforms.base import Disruption, DisruptionQueue, Disruptions

BOUND_SECONDS = 10.0
Told = list[tuple[str, str]]  # type, f


def queue_of(can: dict[str, Disruption]) -> tuple[DisruptionQueue, Told]:
    told: Told = []
    record = lambda process, type, f, value, error=None: told.append((type, f))  # noqa: E731 - a recorder in a line
    return DisruptionQueue(Disruptions(can, record)), told


def asked(queue: DisruptionQueue, action: Disrupt) -> threading.Thread:
    thread = threading.Thread(target=queue.request, args=(action,), daemon=True)
    thread.start()
    return thread


def test_who_asks_waits_until_it_has_begun() -> None:
    """And goes on while it is in force; it ends when its time is over."""
    queue, told = queue_of({"pause": Disruption(lambda action: None)})
    thread = asked(queue, Disrupt("pause", seconds=0.0))
    while thread.is_alive():
        queue.carry_out()
    assert told[0] == (INVOKE, "pause")
    while queue.carry_out():
        pass
    assert told == [(INVOKE, "pause"), (OK, "pause")]


def test_what_fails_is_told_and_is_not_in_force() -> None:
    """Nobody waits for it for ever."""

    def cannot(action: Disrupt) -> None:
        raise LookupError("there is none")

    queue, told = queue_of({"pause": Disruption(cannot)})
    thread = asked(queue, Disrupt("pause"))
    while thread.is_alive():
        assert queue.carry_out() == []
    assert told == [(INVOKE, "pause"), (FAIL, "pause")]


def test_healing_puts_everything_right_once_and_lets_nothing_begin() -> None:
    """What has no end of its own ends there; what is asked for later is not done."""
    ended: list[str] = []
    can = {name: Disruption(lambda action: None, lambda name=name: ended.append(name)) for name in ("first", "second")}
    queue, told = queue_of(can)
    for name in can:
        thread = asked(queue, Disrupt(name))
        while thread.is_alive():
            queue.carry_out()
    queue.heal()
    queue.heal()
    assert ended == ["second", "first"]
    late = asked(queue, Disrupt("first"))
    while late.is_alive():
        assert queue.carry_out() == []
    assert told.count((INVOKE, "first")) == 1
