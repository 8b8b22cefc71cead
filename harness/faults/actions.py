"""Points, where a fault may act, and actions, which it decides on there. Both are values only.

A point is named by process, call and intent, never by a global counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]
BEFORE, AFTER = "before", "after"

# Places in the life of a writer, a function or a delivery, which stand where a point otherwise has an AWS call.
OPERATION = "operation"  # a writer's whole operation, with the SDK's retries
HANDLE = "handle"  # before: the handler is about to run
ACKNOWLEDGE = "acknowledge"  # before: the handler has returned; after: its answer was handed over
DELIVER = "deliver"  # one delivery of a batch; after: it was acknowledged
EFFECT = "effect"  # any call that lands an effect at a sink
BATCH_WRITE = "dynamodb.BatchWriteItem"  # the call that may carry out a part of its request
WRITER, FUNCTION, DISPATCHER = "writer", "function", "dispatcher"
PLACES = (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER, EFFECT)


@dataclass(frozen=True, slots=True)
class Point:
    """`occurrence` counts from 1 the points of a run with the same role, call, when and intents.

    `items` are the ids of the items, `effect` is whether the call writes to a sink, `attempt` is the SDK's attempt
    (from 1), `time` is in microseconds since the run began.
    """

    process: str
    call: str
    when: str
    time: int = 0
    intents: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    effect: bool = False
    attempt: int = 1
    occurrence: int = 1

    @property
    def role(self) -> str:
        return self.process.partition("/")[0]

    @property
    def name(self) -> str:
        """Stable across runs: executions and deliveries are named by what they carry, not by their number."""
        process = self.process if self.role == "writer" else self.role
        subject = "+".join(self.intents) or "-"
        return f"{process} {self.when} {self.call} {subject} #{self.occurrence}"


@dataclass(frozen=True, slots=True)
class Delay:
    """Waits before the process continues."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answers with this AWS error; the request is not sent."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CancelTransaction:
    """Answer TransactionCanceledException instead of sending the request; `operation`, from 0, has the reason."""

    code: str
    message: str
    operation: int


@dataclass(frozen=True, slots=True)
class LoseRequest:
    """The connection breaks before the request is sent: nothing is committed."""


@dataclass(frozen=True, slots=True)
class LoseReply:
    """The request was sent and carried out; its reply never arrives."""


@dataclass(frozen=True, slots=True)
class LeaveUnprocessed:
    """The writes of a batch from this position on (0…1) are not carried out, and the answer says so."""

    position: float


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies here, without clean-up."""


@dataclass(frozen=True, slots=True)
class Hang:
    """The execution stops here until the function's timeout ends it."""


@dataclass(frozen=True, slots=True)
class Raise:
    """The handler raises here."""

    message: str


@dataclass(frozen=True, slots=True)
class PartialFailure:
    """The function's answer reports the records from this position on (0…1) as failed."""

    position: float


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The client repeats the whole operation: unchanged or with changed attributes, from this or another process."""

    changed: bool
    concurrently: bool


@dataclass(frozen=True, slots=True)
class Redeliver:
    """A batch is delivered once more: after its acknowledgement and a delay, or while the first delivery still runs."""

    seconds: float
    concurrently: bool


@dataclass(frozen=True, slots=True)
class RollBack:
    """The mapping loses its last checkpoint: it goes back by so many records, or (None) to the beginning."""

    records: int | None


@dataclass(frozen=True, slots=True)
class Disrupt:
    """Disrupts the platform as a whole, or the function or its mapping from outside.

    what: the fault's word. seconds: how long it lasts; None is until the faults heal. setting: the fault's other field.
    """

    what: str
    seconds: float | None = None
    setting: str | float | None = None


Action = (
    Delay
    | Refuse
    | CancelTransaction
    | LoseRequest
    | LoseReply
    | LeaveUnprocessed
    | Crash
    | Hang
    | Raise
    | PartialFailure
    | Duplicate
    | Redeliver
    | RollBack
    | Disrupt
)
# After one of these, no other action is possible at the same point.
ENDING = (Refuse, CancelTransaction, LoseRequest, LoseReply, Crash, Hang, Raise)
