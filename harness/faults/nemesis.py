"""The nemesis: the process that asks the faults at each point, and records what fired.

Tickets count how often each fault was aimed and fired, where every process that may claim one can see them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from harness.faults.actions import ENDING, Action
from harness.faults.base import Fault
from harness.faults.points import AFTER, BEFORE, FiredFault, Point, Seed
from harness.history import FAIL, INFO, Value

Record = Callable[[str, str, str, Value], object]  # process, type, f, value


class Tickets(Protocol):
    """Faults are numbered by their index in the scenario. After `heal`, none matches or fires."""

    def match(self, fault: int) -> int:
        """Counts a point at which the fault was aimed; returns the count, or 0 once healed."""

    def claim(self, fault: int, limit: int | None) -> bool:
        """Counts a firing unless the limit is reached; returns whether it was counted."""

    def heal(self) -> None: ...

    def matched(self) -> list[int]:
        """How many points each fault was aimed at."""


class LocalTickets:
    """The tickets of a platform whose processes all run in this one."""

    def __init__(self, faults: int) -> None:
        self._matched = [0] * faults
        self._fired = [0] * faults
        self._healed = False

    def match(self, fault: int) -> int:
        if self._healed:
            return 0
        self._matched[fault] += 1
        return self._matched[fault]

    def claim(self, fault: int, limit: int | None) -> bool:
        if limit is not None and self._fired[fault] >= limit:
            return False
        self._fired[fault] += 1
        return True

    def heal(self) -> None:
        self._healed = True

    def matched(self) -> list[int]:
        return list(self._matched)


class Nemesis:
    """Asks the faults of one scenario, and claims their tickets. `decisions`: the faults that fired in this process."""

    def __init__(self, faults: Sequence[Fault], seed: Seed, record: Record, tickets: Tickets) -> None:
        self._faults = faults
        self._seed = seed
        self._record = record
        self._tickets = tickets
        self._occurrences: Counter[tuple[object, ...]] = Counter()
        self._deciding = threading.Lock()  # processes of a run may be threads
        self.decisions: list[FiredFault] = []
        self._kept: set[int] = set()  # faults that another one has kept from firing
        # Equal faults differ by their rank among equals, so that removing another fault changes no draw.
        self._keys = [(repr(fault), list(faults[:index]).count(fault)) for index, fault in enumerate(faults)]

    def decide(self, point: Point) -> tuple[Action, ...]:
        """The faults' actions at this point, in order, up to and including the first that ends the call.

        Counts the point's occurrence.
        """
        if not self._faults:
            return ()
        with self._deciding:
            return self._decide(point)

    def ask(self, fault: Fault, point: Point) -> Action | None:
        """What a fault that matches the point decides."""
        return fault.decide(point)

    def _decide(self, point: Point) -> tuple[Action, ...]:
        key = (point.process if point.role == "writer" else point.role, point.call, point.when, point.intents)
        self._occurrences[key] += 1
        point = replace(point, occurrence=self._occurrences[key])
        actions: list[Action] = []
        ended_by: int | None = None
        for index, fault in enumerate(self._faults):
            action = self.ask(fault, point) if fault.matches(point) else None
            if action is None or not self._is_due(index, fault, point):
                continue
            if ended_by is not None:
                self._tell_kept(index, point, ended_by)
            elif self._tickets.claim(index, fault.times):
                self._tell_fired(index, point, action)
                actions.append(action)
                ended_by = index if isinstance(action, ENDING) else None
        if ended_by is not None and point.when == BEFORE:
            self._tell_unreached(replace(point, when=AFTER), ended_by)
        return tuple(actions)

    def _is_due(self, index: int, fault: Fault, point: Point) -> bool:
        """Counts the point; whether the fault is to fire at it."""
        matched = self._tickets.match(index)
        nth = (fault.nth,) if isinstance(fault.nth, int) else fault.nth
        return (
            matched > 0
            and (nth is None or matched in nth)
            and (fault.probability >= 1 or self._seed.draw(*self._keys[index], point.name) < fault.probability)
        )

    def _tell_fired(self, index: int, point: Point, action: Action) -> None:
        self.decisions.append(FiredFault(index, point.name, repr(action)))
        value = {"fault": index, "point": point.name, "process": point.process, "action": repr(action)}
        self._record("nemesis", INFO, self._faults[index].NAME, {**value, "intents": list(point.intents)})

    def _tell_unreached(self, after: Point, ended_by: int) -> None:
        """The faults that would have been asked when the call had been carried out, which another has prevented."""
        for index, fault in enumerate(self._faults):
            if fault.matches(after) and self.ask(fault, after) is not None:
                self._tell_kept(index, after, ended_by)

    def _tell_kept(self, index: int, point: Point, ended_by: int) -> None:
        """A fault was kept from firing by another: told once."""
        if index not in self._kept:
            self._kept.add(index)
            value = {"fault": index, "point": point.name, "process": point.process, "ended_by": ended_by}
            self._record("nemesis", FAIL, self._faults[index].NAME, {**value, "intents": list(point.intents)})
