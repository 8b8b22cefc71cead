"""Crash: the function's process dies, without any clean-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.action import Action
from harness.action import Crash as CrashAction
from harness.faults.base import INSIDE_FUNCTION, Fault
from harness.point import EFFECT, FUNCTION, Point


@dataclass(frozen=True, kw_only=True)
class Crash(Fault):
    """The function's process dies: its memory is gone, its effects stay, the batch comes again.

    when: before or after the call that it is aimed at, which is the effect unless `call` says otherwise.
    Aimed at `acknowledge`: before, the handler is done and nobody knows; after, the answer was handed over.
    """

    NAME: ClassVar[str] = "crash"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = INSIDE_FUNCTION
    ROLES: ClassVar[tuple[str, ...]] = (FUNCTION,)

    process: str = FUNCTION
    call: str = EFFECT
    when: Literal["before", "after"] = "after"

    def decide(self, point: Point) -> Action | None:
        return CrashAction() if point.when == self.when else None
