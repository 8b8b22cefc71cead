"""The trivial fault: it fires and does nothing. Copy it to write the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action, Delay
from harness.faults.base import AWS_CALL, BEFORE_AND_AFTER, Fault
from harness.point import PLACES, Point


@dataclass(frozen=True, kw_only=True)
class Noop(Fault):
    """Fires and does no harm: shows where an aim would hit."""

    NAME: ClassVar[str] = "noop"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = tuple(
        (call, when) for call in (AWS_CALL, *PLACES) for when in BEFORE_AND_AFTER
    )

    def decide(self, point: Point) -> Action | None:
        return Delay(0.0)
