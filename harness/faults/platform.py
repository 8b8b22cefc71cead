"""Faults of the platform as a whole, of its mapping, and of the function from outside."""

from __future__ import annotations

from dataclasses import make_dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness import faults
from harness.faults.base import Fault, fault
from harness.faults.points import AFTER, BEFORE, DELIVER, OPERATION, WRITER, Point

if TYPE_CHECKING:
    from harness.faults.actions import Action


@fault
class RepeatedDelivery(Fault):
    """A batch is delivered again although nothing failed, as at-least-once delivery allows (S-61).

    seconds: how long after the first delivery; later batches may come in between.
    concurrently: the second delivery starts while the first still runs.
    """

    NAME = "redeliver"
    PLACES = ((DELIVER, BEFORE), (DELIVER, AFTER))

    process: str = "dispatcher"
    call: str = DELIVER
    seconds: float = 0.0
    concurrently: bool = False

    def decide(self, point: Point) -> Action | None:
        start = BEFORE if self.concurrently else AFTER
        return faults.actions.Redeliver(self.seconds, self.concurrently) if point.when == start else None


@fault
class LostCheckpoint(Fault):
    """The mapping's checkpoint rolls back after a delivery: acknowledged records are delivered again, in order.

    records: how many; without it, all since the beginning of the shard. It fires once by default: the repeated
    deliveries could otherwise be rolled back without end.
    """

    NAME = "roll_back"
    PLACES = ((DELIVER, AFTER),)

    process: str = "dispatcher"
    call: str = DELIVER
    times: int | None = 1
    records: int | None = None

    def decide(self, point: Point) -> Action | None:
        return faults.actions.RollBack(self.records)


@fault
class PlatformFault(Fault):
    """Disrupts the platform as a whole, or the function or its mapping from outside.

    It begins before an operation of a writer, which waits until it has begun.
    """

    PLACES = ((OPERATION, BEFORE),)
    ROLES = (WRITER,)
    SETTING = ""  # the name of its field beside `seconds`

    process: str = WRITER
    call: str = OPERATION
    times: int | None = 1

    def decide(self, point: Point) -> Action | None:
        setting = getattr(self, self.SETTING) if self.SETTING else None
        return faults.actions.Disrupt(self.NAME, getattr(self, "seconds", None), setting)


_Field = tuple[str, Any, Any]  # name, type, default


def _platform_fault(word: str, docstring: str, *fields: _Field, **constants: Any) -> type[PlatformFault]:
    """A subclass with these fields. Without `seconds` as a field or a constant it lasts until the faults heal."""
    class_name = word.title().replace("_", "")
    namespace = {"__doc__": docstring, "__module__": __name__, "NAME": word, **constants}
    options = {"frozen": True, "kw_only": True, "eq": False, "repr": False}
    return make_dataclass(class_name, fields, bases=(PlatformFault,), namespace=namespace, **options)


KillPlatform = _platform_fault(
    "kill_platform",
    """LocalStack's process or container is killed; it is started again when the faults heal.

    Without persistence it then has lost all its data (G-14).
    """,
)
RestartPlatform = _platform_fault(
    "restart_platform",
    """LocalStack's process or container is killed and started again at once.

    Without persistence it has then lost all its data (G-14).
    """,
    seconds=0.0,
)
PausePlatform = _platform_fault(
    "pause_platform",
    """LocalStack and its functions are suspended for a while, and then continue.

    seconds: for how long.
    """,
    ("seconds", float, 2.0),
)
SlowPlatform = _platform_fault(
    "slow_platform",
    """LocalStack and its functions are slow: they are suspended again and again.

    seconds: for how long. share: the share of that time in which they run, from 0 to 1.
    """,
    ("seconds", float, 5.0),
    ("share", float, 0.2),
    SETTING="share",
)
KillFunction = _platform_fault(
    "kill_function",
    """The function's process is killed from outside, during an execution.

    once: what the execution must have done before: `started`, or `applied` an effect.
    """,
    ("once", Literal["started", "applied"], "applied"),
    seconds=0.0,
    SETTING="once",
)
DisableMapping = _platform_fault(
    "disable_mapping",
    """The event source mapping is disabled, and enabled again after a while.

    It then continues where it stopped, as AWS documents (S-88). seconds: how long it is disabled.
    """,
    ("seconds", float, 2.0),
)
RecreateMapping = _platform_fault(
    "recreate_mapping",
    """The event source mapping is deleted, and another one is created with the same settings.

    The new one begins at its starting position (S-86). seconds: how long there is no mapping.
    """,
    ("seconds", float, 0.0),
)
ThrottleFunction = _platform_fault(
    "throttle_function",
    """The function's reserved concurrency is zero for a while: every invocation is throttled.

    Throttling uses up no retries, as AWS documents (S-68). seconds: for how long.
    """,
    ("seconds", float, 2.0),
)
