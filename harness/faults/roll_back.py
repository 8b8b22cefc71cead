"""Roll back: the mapping forgets its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action
from harness.action import RollBack as RollBackAction
from harness.faults.base import Fault
from harness.point import AFTER, DELIVER, Point


@dataclass(frozen=True, kw_only=True)
class RollBack(Fault):
    """The mapping's checkpoint rolls back after a delivery: records that were acknowledged come again, in order.

    records: how many; without it, all since the beginning of the shard. It fires once unless `times` says more: what
    comes again is delivered, and so could be rolled back, for ever.
    """

    NAME: ClassVar[str] = "roll_back"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((DELIVER, AFTER),)

    process: str = "dispatcher"
    call: str = DELIVER
    times: int | None = 1
    records: int | None = None

    def decide(self, point: Point) -> Action | None:
        return RollBackAction(self.records)
