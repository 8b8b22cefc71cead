"""What a fault decides at a point. Values only: the wire, the agent, the client and the dispatcher enact them."""

from __future__ import annotations

from dataclasses import dataclass


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
