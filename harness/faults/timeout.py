"""Timeout: the function hangs until its timeout ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.action import Action, Hang
from harness.faults.base import INSIDE_FUNCTION, Fault
from harness.point import ACKNOWLEDGE, AFTER, EFFECT, FUNCTION, Point


@dataclass(frozen=True, kw_only=True)
class Timeout(Fault):
    """The function hangs at the call that it is aimed at until its timeout ends it; its effects stay.

    when: before or after that call, which is the effect unless `call` says otherwise.
    """

    NAME: ClassVar[str] = "timeout"
    # Once the answer was handed over there is nothing left that could time out.
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = tuple(
        place for place in INSIDE_FUNCTION if place != (ACKNOWLEDGE, AFTER)
    )
    ROLES: ClassVar[tuple[str, ...]] = (FUNCTION,)

    process: str = FUNCTION
    call: str = EFFECT
    when: Literal["before", "after"] = "after"

    def decide(self, point: Point) -> Action | None:
        return Hang() if point.when == self.when else None
