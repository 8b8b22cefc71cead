"""Partial failure: the function reports a part of the batch as failed although it handled all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action
from harness.action import PartialFailure as PartialFailureAction
from harness.faults.base import Fault
from harness.point import ACKNOWLEDGE, BEFORE, Point


@dataclass(frozen=True, kw_only=True)
class PartialFailure(Fault):
    """The function's answer reports the records from a position on as failed, although all were handled.

    position: 0 is the first record of the batch, 1 the last. Needs `report_batch_item_failures`.
    """

    NAME: ClassVar[str] = "partial_failure"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((ACKNOWLEDGE, BEFORE),)

    process: str = "function"
    call: str = ACKNOWLEDGE
    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return PartialFailureAction(self.position)
