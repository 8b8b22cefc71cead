"""Kill function: its process is killed from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.action import Action, Disrupt
from harness.faults.base import Disruption
from harness.point import Point


@dataclass(frozen=True, kw_only=True)
class KillFunction(Disruption):
    """The function's process is killed from outside, while an execution is under way in it.

    once: when, at the earliest: as soon as an execution has `started`, or has `applied` an effect.
    """

    NAME: ClassVar[str] = "kill_function"
    seconds: ClassVar[float] = 0.0
    once: Literal["started", "applied"] = "applied"

    def decide(self, point: Point) -> Action | None:
        return Disrupt(self.NAME, self.seconds, self.once)
