"""Actions, which a fault decides on at a point. Values only: others carry them out."""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.points import *  # noqa: F403 - a fault of the user's own imports its points from here too


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
    """The entries of a batch from this position on (0…1) are not carried out, and the answer says so."""

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
