"""Tickets: how often each fault was aimed and fired, kept where every process that may claim one can see it."""

from __future__ import annotations

from typing import Protocol


class Tickets(Protocol):
    """Faults are named by their index in the scenario. After `heal` nothing matches and nothing fires."""

    def match(self, fault: int) -> int:
        """Counts a point at which the fault was aimed; returns how many that makes, or 0 once healed."""

    def claim(self, fault: int, limit: int | None) -> bool:
        """Counts a firing, unless it would be one more than the limit; returns whether it was counted."""

    def heal(self) -> None: ...

    def matched(self) -> list[int]: ...


class LocalTickets:
    """For the platform whose actors are all in this process."""

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
