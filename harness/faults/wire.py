"""Faults of the AWS calls of writers and functions. `Noop` is the simplest: copy it to write another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import faults
from harness.faults.base import AWS_CALL, BEFORE_AND_AFTER, Fault, fault
from harness.faults.points import (
    ACKNOWLEDGE,
    AFTER,
    BATCH_CALLS,
    BEFORE,
    CANCELED,
    CONFLICT,
    DELIVER,
    ERRORS,
    HANDLE,
    OPERATION,
    PLACES,
    REASONS,
    TRANSACTIONS,
    Code,
    Point,
    Reason,
    When,
    answers,
)

if TYPE_CHECKING:
    from harness.faults.actions import Action


@fault
class Noop(Fault):
    """Fires without doing harm: it shows which points an aim selects."""

    NAME = "noop"
    PLACES = tuple((call, when) for call in (AWS_CALL, *PLACES) for when in BEFORE_AND_AFTER)

    def decide(self, point: Point) -> Action | None:
        return faults.actions.Delay(0.0)


@fault
class Latency(Fault):
    """A call, an execution or a delivery takes longer.

    A call that takes longer than the client's timeouts is a timeout for the SDK, which tries again (S-24). seconds: how
    much longer. when: before the request is sent (connect_timeout), or after it was carried out (read_timeout).
    """

    NAME = "delay"
    PLACES = (
        *((AWS_CALL, when) for when in BEFORE_AND_AFTER),
        *((place, BEFORE) for place in (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER)),
    )

    seconds: float = 1.0
    when: When = "before"

    def decide(self, point: Point) -> Action | None:
        return faults.actions.Delay(self.seconds) if point.when == self.when else None


@fault
class LostRequest(Fault):
    """The connection breaks before the request is sent: nothing is committed, and the SDK tries again."""

    NAME = "lose_request"
    PLACES = ((AWS_CALL, BEFORE),)

    def decide(self, point: Point) -> Action | None:
        return faults.actions.LoseRequest()


@fault
class LostReply(Fault):
    """The request is carried out, but its reply is lost: the SDK cannot know that, and sends the request again."""

    NAME = "lose_reply"
    PLACES = ((AWS_CALL, AFTER),)

    def decide(self, point: Point) -> Action | None:
        return faults.actions.LoseReply()


@fault
class ErrorResponse(Fault):
    """AWS answers a call with an error, such as a throttle, a conflict or a 5xx, and carries nothing out.

    code: the error's name; a call answers only with errors that it has. A transaction that meets a conflict answers
    TransactionCanceledException. reason: of TransactionCanceledException, why the transaction was cancelled.
    operation: of TransactionCanceledException, which operation of the transaction has the reason, from 0.
    """

    NAME = "refuse"
    PLACES = ((AWS_CALL, BEFORE),)

    code: Code = "ThrottlingException"
    reason: Reason = "conflict"
    operation: int = 0

    def decide(self, point: Point) -> Action | None:
        if self.code in (CONFLICT, CANCELED) and point.call in TRANSACTIONS:
            return faults.actions.CancelTransaction(*REASONS[self.reason], self.operation)
        status, message = ERRORS[self.code]
        return faults.actions.Refuse(status, self.code, message)

    def _acts_at(self, point: Point) -> bool:
        cancels = self.code == CONFLICT and point.call in TRANSACTIONS
        return super()._acts_at(point) and (cancels or answers(point.call, self.code))


@fault
class UnprocessedEntries(Fault):
    """A batch call succeeds, but carries out only its first entries; the answer names the others (S-23).

    BatchWriteItem names them as UnprocessedItems, SendMessageBatch and PublishBatch as Failed, PutRecords by an
    ErrorCode. position: 0 leaves all entries unprocessed, 1 only the last one.
    """

    NAME = "leave_unprocessed"
    PLACES = tuple((call, BEFORE) for call in BATCH_CALLS)

    position: float = 0.5

    def decide(self, point: Point) -> Action | None:
        return faults.actions.LeaveUnprocessed(self.position)


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
        return faults.actions.Duplicate(self.changed, self.concurrently)
