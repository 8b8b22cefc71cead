"""Faults of one execution of the function, from inside its process."""

from __future__ import annotations

from typing import ClassVar

from harness.faults import actions
from harness.faults.actions import ACKNOWLEDGE, AFTER, BEFORE, EFFECT, FUNCTION, HANDLE, Action, Point, When
from harness.faults.base import INSIDE_FUNCTION, Fault, fault


@fault
class FunctionCrash(Fault):
    """The function's process dies: its memory is gone, its effects stay, the batch comes again.

    when: before or after the call that it is aimed at, which is the effect unless `call` says otherwise.
    Aimed at `acknowledge`: before, the handler is done and nobody knows; after, the answer was handed over.
    """

    NAME: ClassVar[str] = "crash"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = INSIDE_FUNCTION
    ROLES: ClassVar[tuple[str, ...]] = (FUNCTION,)

    process: str = FUNCTION
    call: str = EFFECT
    when: When = "after"

    def decide(self, point: Point) -> Action | None:
        return actions.Crash() if point.when == self.when else None


@fault
class FunctionTimeout(Fault):
    """The function hangs at the call that it is aimed at until its timeout ends it; its effects stay.

    when: before or after that call, which is the effect unless `call` says otherwise.
    """

    NAME: ClassVar[str] = "timeout"
    # Once the answer was handed over there is nothing left that could time out.
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = tuple(
        place for place in INSIDE_FUNCTION if place != (ACKNOWLEDGE, AFTER)
    )
    ROLES: ClassVar[tuple[str, ...]] = (FUNCTION,)

    process: str = FUNCTION
    call: str = EFFECT
    when: When = "after"

    def decide(self, point: Point) -> Action | None:
        return actions.Hang() if point.when == self.when else None


@fault
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
        return actions.Raise(self.message)


@fault
class FalseFailureReport(Fault):
    """The function's answer reports the records from a position on as failed, although all were handled.

    position: 0 is the first record of the batch, 1 the last. Needs `report_batch_item_failures`.
    """

    NAME: ClassVar[str] = "partial_failure"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((ACKNOWLEDGE, BEFORE),)

    process: str = "function"
    call: str = ACKNOWLEDGE
    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return actions.PartialFailure(self.position)
