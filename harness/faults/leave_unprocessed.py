"""Leave unprocessed: AWS carries out a part of a batch write, and hands the rest back in its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action
from harness.action import LeaveUnprocessed as LeaveUnprocessedAction
from harness.faults.base import Fault
from harness.point import BATCH_WRITE, BEFORE, Point


@dataclass(frozen=True, kw_only=True)
class LeaveUnprocessed(Fault):
    """BatchWriteItem carries out its first writes, and its answer, a success, names the others as UnprocessedItems.

    position: 0 leaves all of its writes, 1 the last one.
    """

    NAME: ClassVar[str] = "leave_unprocessed"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((BATCH_WRITE, BEFORE),)

    call: str = BATCH_WRITE
    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return LeaveUnprocessedAction(self.position)
