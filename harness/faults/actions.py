"""Points, where a fault may act, and actions, what it decides there. Values only: others carry actions out.

A point is named by process, call and intent, never by a global counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]
BEFORE, AFTER = "before", "after"

# Calls that are not AWS calls, but places in the life of a writer, a function or a delivery.
OPERATION = "operation"  # a writer's whole operation, SDK retries included
HANDLE = "handle"  # before: the handler is about to run
ACKNOWLEDGE = "acknowledge"  # before: it has answered, nobody has the answer; after: the answer was handed over
DELIVER = "deliver"  # a hand-over of a batch; after: it was acknowledged
# Not a place of its own, but any call that lands an effect at a sink.
EFFECT = "effect"
BATCH_WRITE = "dynamodb.BatchWriteItem"  # the call that may do a part of what it is asked for
WRITER, FUNCTION, DISPATCHER = "writer", "function", "dispatcher"
PLACES = (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER, EFFECT)


@dataclass(frozen=True, slots=True)
class Point:
    """`occurrence` counts from 1 the points of a run that are equal in role, call, when and intents.

    `items` are the ids of the items concerned, `effect` says whether the call writes to a sink,
    `attempt` is the SDK's attempt (from 1), `time` is in microseconds since the run began.
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
    """Wait before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this AWS error instead of sending the request."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LoseRequest:
    """The connection breaks before the request was sent: nothing was committed."""


@dataclass(frozen=True, slots=True)
class LoseReply:
    """The request was sent and carried out; its reply never arrives."""


@dataclass(frozen=True, slots=True)
class LeaveUnprocessed:
    """The writes of a batch from this position on (0…1) are not carried out, and the answer says so."""

    position: float


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies here, without any clean-up."""


@dataclass(frozen=True, slots=True)
class Hang:
    """The execution stops here until the function's timeout ends it."""


@dataclass(frozen=True, slots=True)
class Raise:
    """The handler raises here."""

    message: str


@dataclass(frozen=True, slots=True)
class PartialFailure:
    """The function's answer reports this share of the batch as failed: everything from this position on (0…1)."""

    position: float


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The client makes the whole operation again: as it was, with changed attributes, or from another process."""

    changed: bool
    concurrently: bool


@dataclass(frozen=True, slots=True)
class Redeliver:
    """An acknowledged batch is handed over once more, after a delay, or while the first delivery still runs."""

    seconds: float
    concurrently: bool


@dataclass(frozen=True, slots=True)
class RollBack:
    """The mapping forgets its last checkpoint: it goes back by so many records, or (None) to the beginning."""

    records: int | None


@dataclass(frozen=True, slots=True)
class Disrupt:
    """Something is done to the platform as a whole, or from outside to the function or its mapping.

    what: the fault's word. seconds: after how long it is put right; None is when the faults heal.
    setting: what else the fault says about it.
    """

    what: str
    seconds: float | None = None
    setting: str | float | None = None


Action = (
    Delay
    | Refuse
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
# After one of these nothing else can be done at the same point.
ENDING = (Refuse, LoseRequest, LoseReply, Crash, Hang, Raise)
