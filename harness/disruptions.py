"""Disruptions of a platform as a whole: begun when the nemesis says so, written down, and put right again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import UserError
from harness.faults.actions import Disrupt
from harness.history import FAIL, INVOKE, OK, Value

PROCESS = "platform"
Record = Callable[..., object]  # process, type, f, value, error
# What a platform's calls, its runtime and its waiting raise when something cannot be done to it.
IMPOSSIBLE = (UserError, LookupError, TimeoutError, ClientError, BotoCoreError)

# While one of these is in force, nobody answers.
UNREACHABLE = frozenset({"kill_platform", "restart_platform", "pause_platform"})


@dataclass(frozen=True, slots=True)
class Disruption:
    """How a platform does it and puts it right. `begin` may tell more about it, for the history."""

    begin: Callable[[Disrupt], Value | None]
    end: Callable[[], Any] = lambda: None


class Disruptions:
    """`can` is what a platform can do, by the faults' words."""

    def __init__(self, can: Mapping[str, Disruption], record: Record) -> None:
        self._can = can
        self._record = record
        self._told: dict[Disrupt, Value] = {}  # of what is in force

    @property
    def in_force(self) -> list[Disrupt]:
        return list(self._told)

    def begin(self, action: Disrupt) -> bool:
        """Says whether it could be done; what could not be done is in the history, and leaves the verdict unknown."""
        self._record(PROCESS, INVOKE, action.what, _value(action))
        try:
            self._told[action] = self._can[action.what].begin(action) or {}
        except IMPOSSIBLE as error:
            self._record(PROCESS, FAIL, action.what, _value(action), f"{type(error).__name__}: {error}")
            return False
        return True

    def end(self, action: Disrupt) -> None:
        """Puts it right, unless that was done before."""
        if action not in self._told:
            return
        value = _value(action) | self._told.pop(action)
        try:
            self._can[action.what].end()
        except IMPOSSIBLE as error:
            self._record(PROCESS, FAIL, action.what, value, f"{type(error).__name__}: {error}")
        else:
            self._record(PROCESS, OK, action.what, value)

    def heal(self) -> None:
        """Puts everything right, the last first."""
        for action in reversed(self.in_force):
            self.end(action)


def _value(action: Disrupt) -> Value:
    return {"seconds": action.seconds, "setting": action.setting}
