"""Slow platform: LocalStack gets little of the processor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action, Disrupt
from harness.faults.base import Disruption
from harness.point import Point


@dataclass(frozen=True, kw_only=True)
class SlowPlatform(Disruption):
    """LocalStack and its functions run, again and again, for a share of the time only.

    seconds: for how long. share: how much of that time they run, from 0 to 1.
    """

    NAME: ClassVar[str] = "slow_platform"
    seconds: float = 5.0
    share: float = 0.2

    def decide(self, point: Point) -> Action | None:
        return Disrupt(self.NAME, self.seconds, self.share)
