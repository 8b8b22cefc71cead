"""Faults of the AWS calls of writers and functions. `Noop` is the trivial one: copy it to write the next."""

from __future__ import annotations

from typing import ClassVar, Literal

from harness.faults import actions
from harness.faults.actions import (
    ACKNOWLEDGE,
    AFTER,
    BATCH_WRITE,
    BEFORE,
    DELIVER,
    HANDLE,
    OPERATION,
    PLACES,
    Action,
    Point,
    When,
)
from harness.faults.base import AWS_CALL, BEFORE_AND_AFTER, Fault, fault


@fault
class Noop(Fault):
    """Fires and does no harm: shows where an aim would hit."""

    NAME: ClassVar[str] = "noop"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = tuple(
        (call, when) for call in (AWS_CALL, *PLACES) for when in BEFORE_AND_AFTER
    )

    def decide(self, point: Point) -> Action | None:
        return actions.Delay(0.0)


@fault
class Latency(Fault):
    """A call, an execution or a delivery takes longer.

    seconds: how much longer. when: before the request is sent, or after it was carried out.
    """

    NAME: ClassVar[str] = "delay"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = (
        *((AWS_CALL, when) for when in BEFORE_AND_AFTER),
        *((place, BEFORE) for place in (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER)),
    )

    seconds: float = 1.0
    when: When = "before"

    def decide(self, point: Point) -> Action | None:
        return actions.Delay(self.seconds) if point.when == self.when else None


@fault
class LostRequest(Fault):
    """The connection breaks before the request was sent: nothing is committed, and the SDK tries again."""

    NAME: ClassVar[str] = "lose_request"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((AWS_CALL, BEFORE),)

    def decide(self, point: Point) -> Action | None:
        return actions.LoseRequest()


@fault
class LostReply(Fault):
    """The request was sent and carried out, and its reply is lost: the SDK, which cannot know, sends it again."""

    NAME: ClassVar[str] = "lose_reply"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((AWS_CALL, AFTER),)

    def decide(self, point: Point) -> Action | None:
        return actions.LoseReply()


# Code: (HTTP status, message). Source: the error lists of the API references of DynamoDB and Lambda.
ERRORS: dict[str, tuple[int, str]] = {
    "ProvisionedThroughputExceededException": (
        400,
        "The level of configured provisioned throughput for the table was exceeded.",
    ),
    "ThrottlingException": (400, "Rate of requests exceeds the allowed throughput."),
    "RequestLimitExceeded": (400, "Throughput exceeds the current throughput limit for your account."),
    "TransactionConflictException": (400, "Transaction is ongoing for the item"),
    "TooManyRequestsException": (429, "Rate Exceeded."),
    "InternalServerError": (500, "The request processing has failed because of an unknown error."),
    "ServiceUnavailable": (503, "The service is temporarily unavailable."),
}
Code = Literal[
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TooManyRequestsException",
    "InternalServerError",
    "ServiceUnavailable",
]


@fault
class ErrorResponse(Fault):
    """AWS answers a call with an error (a throttle, a 5xx) and carries nothing out.

    code: the error's name.
    """

    NAME: ClassVar[str] = "refuse"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((AWS_CALL, BEFORE),)

    code: Code = "ThrottlingException"

    def decide(self, point: Point) -> Action | None:
        status, message = ERRORS[self.code]
        return actions.Refuse(status, self.code, message)


@fault
class UnprocessedWrites(Fault):
    """BatchWriteItem carries out its first writes, and its answer, a success, names the others as UnprocessedItems.

    position: 0 leaves all of its writes, 1 the last one.
    """

    NAME: ClassVar[str] = "leave_unprocessed"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((BATCH_WRITE, BEFORE),)

    call: str = BATCH_WRITE
    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return actions.LeaveUnprocessed(self.position)


@fault
class DuplicatePut(Fault):
    """The client makes the whole operation twice, as a caller does who retries, or who is called twice.

    changed: the duplicate carries another value of an attribute that says nothing about the intent (`note`).
    concurrently: a second writer makes it, at the same time.
    """

    NAME: ClassVar[str] = "duplicate_put"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((OPERATION, BEFORE),)

    process: str = "writer"
    call: str = OPERATION
    changed: bool = False
    concurrently: bool = False

    def decide(self, point: Point) -> Action | None:
        return actions.Duplicate(self.changed, self.concurrently)
