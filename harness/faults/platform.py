"""Faults of the platform: of its mapping, of the function seen from outside, and of the platform as a whole."""

from __future__ import annotations

from dataclasses import make_dataclass
from typing import Any, ClassVar, Literal

from harness.faults import actions
from harness.faults.actions import AFTER, BEFORE, DELIVER, OPERATION, WRITER, Action, Point
from harness.faults.base import Fault, fault


@fault
class RepeatedDelivery(Fault):
    """A batch is handed over again although nothing failed, as at-least-once delivery allows (semantics S-61).

    seconds: how long after the first delivery; later batches may come in between.
    concurrently: the second delivery starts while the first still runs.
    """

    NAME: ClassVar[str] = "redeliver"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((DELIVER, BEFORE), (DELIVER, AFTER))

    process: str = "dispatcher"
    call: str = DELIVER
    seconds: float = 0.0
    concurrently: bool = False

    def decide(self, point: Point) -> Action | None:
        start = BEFORE if self.concurrently else AFTER
        return actions.Redeliver(self.seconds, self.concurrently) if point.when == start else None


@fault
class LostCheckpoint(Fault):
    """The mapping's checkpoint rolls back after a delivery: records that were acknowledged come again, in order.

    records: how many; without it, all since the beginning of the shard. It fires once unless `times` says more: what
    comes again is delivered, and so could be rolled back, for ever.
    """

    NAME: ClassVar[str] = "roll_back"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((DELIVER, AFTER),)

    process: str = "dispatcher"
    call: str = DELIVER
    times: int | None = 1
    records: int | None = None

    def decide(self, point: Point) -> Action | None:
        return actions.RollBack(self.records)


@fault
class PlatformFault(Fault):
    """Disrupts the platform as a whole, or the function or its mapping from outside.

    It begins when a writer is about to make an operation, and that operation waits until it has begun.
    """

    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((OPERATION, BEFORE),)
    ROLES: ClassVar[tuple[str, ...]] = (WRITER,)
    SETTING: ClassVar[str] = ""  # the field that says more about it than how long it takes

    process: str = WRITER
    call: str = OPERATION
    times: int | None = 1

    def decide(self, point: Point) -> Action | None:
        setting = getattr(self, self.SETTING) if self.SETTING else None
        return actions.Disrupt(self.NAME, getattr(self, "seconds", None), setting)


_Field = tuple[str, Any, Any]  # name, type, default


def _platform_fault(word: str, docstring: str, *fields: _Field, **constants: Any) -> type[PlatformFault]:
    """A subclass with these fields. Without `seconds` as a field or a constant it lasts until the faults heal."""
    class_name = word.title().replace("_", "")
    namespace = {"__doc__": docstring, "__module__": __name__, "NAME": word, **constants}
    options = {"frozen": True, "kw_only": True, "eq": False, "repr": False}
    return make_dataclass(class_name, fields, bases=(PlatformFault,), namespace=namespace, **options)


KillPlatform = _platform_fault(
    "kill_platform",
    """LocalStack's process, or its container, is killed; it is started again when the faults heal.

    Without persistence all that it held is gone then (semantics G-14).
    """,
)
RestartPlatform = _platform_fault(
    "restart_platform",
    """LocalStack's process, or its container, is killed and at once started again.

    Without persistence all that it held is gone (semantics G-14).
    """,
    seconds=0.0,
)
PausePlatform = _platform_fault(
    "pause_platform",
    """LocalStack and its functions stand still for a while, and then go on as if nothing had been.

    seconds: for how long.
    """,
    ("seconds", float, 2.0),
)
SlowPlatform = _platform_fault(
    "slow_platform",
    """LocalStack and its functions run, again and again, for a share of the time only.

    seconds: for how long. share: how much of that time they run, from 0 to 1.
    """,
    ("seconds", float, 5.0),
    ("share", float, 0.2),
    SETTING="share",
)
KillFunction = _platform_fault(
    "kill_function",
    """The function's process is killed from outside, while an execution is under way in it.

    once: when, at the earliest: as soon as an execution has `started`, or has `applied` an effect.
    """,
    ("once", Literal["started", "applied"], "applied"),
    seconds=0.0,
    SETTING="once",
)
DisableMapping = _platform_fault(
    "disable_mapping",
    """The event source mapping is disabled, and enabled again after a while.

    AWS documents that it goes on where it stopped (semantics S-88). seconds: how long it is disabled.
    """,
    ("seconds", float, 2.0),
)
RecreateMapping = _platform_fault(
    "recreate_mapping",
    """The event source mapping is deleted, and another one with the same settings made.

    AWS keeps no position for it: it begins at its starting position (semantics S-86). seconds: how long there is none.
    """,
    ("seconds", float, 0.0),
)
ThrottleFunction = _platform_fault(
    "throttle_function",
    """The function's concurrency is reserved at zero for a while: every invocation of it is throttled.

    AWS documents that this uses no retry (semantics S-68). seconds: for how long.
    """,
    ("seconds", float, 2.0),
)
