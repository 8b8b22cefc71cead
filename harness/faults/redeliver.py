"""Redeliver: a batch that was acknowledged comes again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action
from harness.action import Redeliver as RedeliverAction
from harness.faults.base import Fault
from harness.point import AFTER, BEFORE, DELIVER, Point


@dataclass(frozen=True, kw_only=True)
class Redeliver(Fault):
    """A batch is handed over again although nothing failed, as at-least-once delivery allows (semantics S-61).

    seconds: how long after the first delivery; later batches may come in between.
    concurrently: the second delivery starts while the first still runs.
    """

    NAME: ClassVar[str] = "redeliver"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((DELIVER, BEFORE), (DELIVER, AFTER))

    process: str = "dispatcher"
    call: str = DELIVER
    seconds: float = 0.0
    concurrently: bool = False

    def decide(self, point: Point) -> Action | None:
        start = BEFORE if self.concurrently else AFTER
        return RedeliverAction(self.seconds, self.concurrently) if point.when == start else None
