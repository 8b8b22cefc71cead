"""Disruptions in real time: asked for by writers' threads, done by the harness's own, and put right."""

from __future__ import annotations

import threading

from harness.disruptions import Disruption, Disruptions
from harness.faults.actions import Disrupt
from harness.history import FAIL, INVOKE, OK
from harness.platforms.attendance import Attendance

BOUND_SECONDS = 10.0
Told = list[tuple[str, str]]  # type, f


def attendance(can: dict[str, Disruption]) -> tuple[Attendance, Told]:
    told: Told = []
    record = lambda process, type, f, value, error=None: told.append((type, f))  # noqa: E731 - a recorder in a line
    return Attendance(Disruptions(can, record)), told


def asked(here: Attendance, action: Disrupt) -> threading.Thread:
    thread = threading.Thread(target=here.ask, args=(action,), daemon=True)
    thread.start()
    return thread


def test_who_asks_waits_until_it_has_begun() -> None:
    """And goes on while it is in force; it ends when its time is over."""
    here, told = attendance({"pause": Disruption(lambda action: None)})
    thread = asked(here, Disrupt("pause", seconds=0.0))
    while thread.is_alive():
        here.attend()
    assert told[0] == (INVOKE, "pause")
    while here.attend():
        pass
    assert told == [(INVOKE, "pause"), (OK, "pause")]


def test_what_fails_is_told_and_is_not_in_force() -> None:
    """Nobody waits for it for ever."""

    def cannot(action: Disrupt) -> None:
        raise LookupError("there is none")

    here, told = attendance({"pause": Disruption(cannot)})
    thread = asked(here, Disrupt("pause"))
    while thread.is_alive():
        assert here.attend() == []
    assert told == [(INVOKE, "pause"), (FAIL, "pause")]


def test_healing_puts_everything_right_once_and_lets_nothing_begin() -> None:
    """What has no end of its own ends there; what is asked for later is not done."""
    ended: list[str] = []
    can = {name: Disruption(lambda action: None, lambda name=name: ended.append(name)) for name in ("first", "second")}
    here, told = attendance(can)
    for name in can:
        thread = asked(here, Disrupt(name))
        while thread.is_alive():
            here.attend()
    here.heal()
    here.heal()
    assert ended == ["second", "first"]
    late = asked(here, Disrupt("first"))
    while late.is_alive():
        assert here.attend() == []
    assert told.count((INVOKE, "first")) == 1
