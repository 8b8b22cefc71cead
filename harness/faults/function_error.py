"""Function error: the handler raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action, Raise
from harness.faults.base import Fault
from harness.point import ACKNOWLEDGE, BEFORE, HANDLE, Point


@dataclass(frozen=True, kw_only=True)
class FunctionError(Fault):
    """The handler raises: at `call: handle` before it did anything, at `call: acknowledge` after it did everything.

    message: the text of the exception.
    """

    NAME: ClassVar[str] = "function_error"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((HANDLE, BEFORE), (ACKNOWLEDGE, BEFORE))

    process: str = "function"
    call: str = HANDLE
    message: str = "injected by the harness"

    def decide(self, point: Point) -> Action | None:
        return Raise(self.message)
