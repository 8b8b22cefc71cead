"""Faults of the AWS calls of writers and functions. `Noop` is the simplest: copy it to write another."""

from __future__ import annotations

from typing import Literal

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
    """Fires without doing harm: it shows which points an aim selects."""

    NAME = "noop"
    PLACES = tuple((call, when) for call in (AWS_CALL, *PLACES) for when in BEFORE_AND_AFTER)

    def decide(self, point: Point) -> Action | None:
        return actions.Delay(0.0)


@fault
class Latency(Fault):
    """A call, an execution or a delivery takes longer.

    seconds: how much longer. when: before the request is sent, or after it was carried out.
    """

    NAME = "delay"
    PLACES = (
        *((AWS_CALL, when) for when in BEFORE_AND_AFTER),
        *((place, BEFORE) for place in (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER)),
    )

    seconds: float = 1.0
    when: When = "before"

    def decide(self, point: Point) -> Action | None:
        return actions.Delay(self.seconds) if point.when == self.when else None


@fault
class LostRequest(Fault):
    """The connection breaks before the request is sent: nothing is committed, and the SDK tries again."""

    NAME = "lose_request"
    PLACES = ((AWS_CALL, BEFORE),)

    def decide(self, point: Point) -> Action | None:
        return actions.LoseRequest()


@fault
class LostReply(Fault):
    """The request is carried out, but its reply is lost: the SDK cannot know that, and sends the request again."""

    NAME = "lose_reply"
    PLACES = ((AWS_CALL, AFTER),)

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
    """AWS answers a call with an error, such as a throttle or a 5xx, and carries nothing out.

    code: the error's name.
    """

    NAME = "refuse"
    PLACES = ((AWS_CALL, BEFORE),)

    code: Code = "ThrottlingException"

    def decide(self, point: Point) -> Action | None:
        status, message = ERRORS[self.code]
        return actions.Refuse(status, self.code, message)


@fault
class UnprocessedWrites(Fault):
    """BatchWriteItem succeeds, but carries out only its first writes: the answer names the others as UnprocessedItems.

    position: 0 leaves all writes unprocessed, 1 only the last one.
    """

    NAME = "leave_unprocessed"
    PLACES = ((BATCH_WRITE, BEFORE),)

    call: str = BATCH_WRITE
    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return actions.LeaveUnprocessed(self.position)


@fault
class DuplicatePut(Fault):
    """The client makes the whole operation twice, like a caller that retries or that is itself called twice.

    changed: the duplicate has another value of `note`, an attribute that does not belong to the intent.
    concurrently: a second writer makes the duplicate at the same time.
    """

    NAME = "duplicate_put"
    PLACES = ((OPERATION, BEFORE),)

    process: str = "writer"
    call: str = OPERATION
    changed: bool = False
    concurrently: bool = False

    def decide(self, point: Point) -> Action | None:
        return actions.Duplicate(self.changed, self.concurrently)
