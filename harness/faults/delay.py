"""Delay: a call, or a delivery, takes longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.action import Action
from harness.action import Delay as DelayAction
from harness.faults.base import AWS_CALL, BEFORE_AND_AFTER, Fault
from harness.point import ACKNOWLEDGE, BEFORE, DELIVER, HANDLE, OPERATION, Point


@dataclass(frozen=True, kw_only=True)
class Delay(Fault):
    """A call, an execution or a delivery takes longer.

    seconds: how much longer. when: before the request is sent, or after it was carried out.
    """

    NAME: ClassVar[str] = "delay"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = (
        *((AWS_CALL, when) for when in BEFORE_AND_AFTER),
        *((place, BEFORE) for place in (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER)),
    )

    seconds: float = 1.0
    when: Literal["before", "after"] = "before"

    def decide(self, point: Point) -> Action | None:
        return DelayAction(self.seconds) if point.when == self.when else None
