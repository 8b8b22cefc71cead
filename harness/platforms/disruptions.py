"""Disruptions of a platform as a whole: begun when the nemesis decides so, recorded, and ended again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import UserError
from harness.faults.actions import Disrupt
from harness.history import FAIL, INVOKE, OK, Value

PROCESS = "platform"
Record = Callable[..., object]  # process, type, f, value, error
# What a platform's calls, its runtime and its waits raise when a disruption cannot be carried out.
IMPOSSIBLE = (UserError, LookupError, TimeoutError, ClientError, BotoCoreError)

# While one of these is in force, the platform answers no call.
UNREACHABLE = frozenset({"kill_platform", "restart_platform", "pause_platform"})


@dataclass(frozen=True, slots=True)
class Disruption:
    """How a platform begins and ends a disruption. `begin` may return more about it for the history."""

    begin: Callable[[Disrupt], Value | None]
    end: Callable[[], Any] = lambda: None


class Disruptions:
    """`can`: the disruptions that the platform can carry out, by the names of their faults."""

    def __init__(self, can: Mapping[str, Disruption], record: Record) -> None:
        self._can = can
        self._record = record
        self._in_force: dict[Disrupt, Value] = {}  # each with what its `begin` returned

    @property
    def in_force(self) -> list[Disrupt]:
        return list(self._in_force)

    def begin(self, action: Disrupt) -> bool:
        """Returns whether it began. A failure is recorded, and leaves the verdict unknown."""
        self._record(PROCESS, INVOKE, action.what, _value(action))
        try:
            self._in_force[action] = self._can[action.what].begin(action) or {}
        except IMPOSSIBLE as error:
            self._record(PROCESS, FAIL, action.what, _value(action), f"{type(error).__name__}: {error}")
            return False
        return True

    def end(self, action: Disrupt) -> None:
        """Ends a disruption that is in force."""
        if action not in self._in_force:
            return
        value = _value(action) | self._in_force.pop(action)
        try:
            self._can[action.what].end()
        except IMPOSSIBLE as error:
            self._record(PROCESS, FAIL, action.what, value, f"{type(error).__name__}: {error}")
        else:
            self._record(PROCESS, OK, action.what, value)

    def heal(self) -> None:
        """Ends all disruptions, the last first."""
        for action in reversed(self.in_force):
            self.end(action)


def _value(action: Disrupt) -> Value:
    return {"seconds": action.seconds, "setting": action.setting}


BEGIN_SECONDS = 120.0  # how long a writer waits for a disruption to begin


@dataclass(eq=False)
class _Request:
    action: Disrupt
    begun: threading.Event = field(default_factory=threading.Event)


class DisruptionQueue:
    """One thread calls `carry_out` repeatedly; any other may call `request`."""

    def __init__(self, disruptions: Disruptions) -> None:
        self._disruptions = disruptions
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._due: list[tuple[float, Disrupt]] = []
        self._healed = False

    def request(self, action: Disrupt) -> None:
        """Returns once the disruption has begun or failed."""
        request = _Request(action)
        self._requests.put(request)
        request.begun.wait(BEGIN_SECONDS)

    def carry_out(self) -> list[str]:
        """Ends what is due and begins what was requested. Returns the names of the disruptions in force then."""
        for due in [due for due in self._due if due[0] <= time.monotonic()]:
            self._due.remove(due)
            self._disruptions.end(due[1])
        while not self._requests.empty():
            request = self._requests.get()
            if not self._healed and self._disruptions.begin(request.action) and request.action.seconds is not None:
                self._due.append((time.monotonic() + request.action.seconds, request.action))
            request.begun.set()
        return [action.what for action in self._disruptions.in_force]

    def heal(self) -> None:
        """Ends all disruptions; later requests do nothing."""
        self._healed = True
        self._due.clear()
        self._disruptions.heal()
        self.carry_out()
