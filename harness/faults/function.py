"""Faults inside the process of one execution of the function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import faults
from harness.faults.base import INSIDE_FUNCTION, Fault, fault
from harness.faults.points import ACKNOWLEDGE, AFTER, BEFORE, EFFECT, FUNCTION, HANDLE, Point, When

if TYPE_CHECKING:
    from harness.faults.actions import Action


@fault
class FunctionCrash(Fault):
    """The function's process dies: its memory is lost, its effects stay, and the batch is delivered again.

    when: before or after the call that `call` names, which is the effect by default. With `call: acknowledge`, before:
    the handler has returned, but its answer is lost; after: the answer was handed over.
    """

    NAME = "crash"
    PLACES = INSIDE_FUNCTION
    ROLES = (FUNCTION,)

    process: str = FUNCTION
    call: str = EFFECT
    when: When = "after"

    def decide(self, point: Point) -> Action | None:
        return faults.actions.Crash() if point.when == self.when else None


@fault
class FunctionTimeout(Fault):
    """The function hangs until its timeout ends the execution; its effects stay.

    when: before or after the call that `call` names, which is the effect by default.
    """

    NAME = "timeout"
    # After its answer was handed over an execution cannot time out.
    PLACES = tuple(place for place in INSIDE_FUNCTION if place != (ACKNOWLEDGE, AFTER))
    ROLES = (FUNCTION,)

    process: str = FUNCTION
    call: str = EFFECT
    when: When = "after"

    def decide(self, point: Point) -> Action | None:
        return faults.actions.Hang() if point.when == self.when else None


@fault
class FunctionError(Fault):
    """The handler raises: with `call: handle` before it has done anything, with `call: acknowledge` at its end.

    message: the text of the exception.
    """

    NAME = "function_error"
    PLACES = ((HANDLE, BEFORE), (ACKNOWLEDGE, BEFORE))

    process: str = "function"
    call: str = HANDLE
    message: str = "injected by the harness"

    def decide(self, point: Point) -> Action | None:
        return faults.actions.Raise(self.message)


@fault
class FalseFailureReport(Fault):
    """The function's answer reports the records from a position on as failed, although it has handled all of them.

    position: 0 is the first record of the batch, 1 the last. Needs `report_batch_item_failures`.
    """

    NAME = "partial_failure"
    PLACES = ((ACKNOWLEDGE, BEFORE),)

    process: str = "function"
    call: str = ACKNOWLEDGE
    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return faults.actions.PartialFailure(self.position)
