"""The contract of a fault: it is aimed at points, and decides on an action at each. It is pure: others act.

A fault is a dataclass. Its fields are what the user writes in the scenario, its docstring is its reference entry.
NAME: its word in YAML. PLACES: the `(call, when)` pairs at which it can act, where `call` is a place, the name of an
AWS call, or `*` for any AWS call. ROLES: the kinds of process that it can harm.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, TypeVar, dataclass_transform

from harness.faults.points import (
    ACKNOWLEDGE,
    AFTER,
    BEFORE,
    DISPATCHER,
    EFFECT,
    FUNCTION,
    PLACES,
    WRITER,
    Point,
)

if TYPE_CHECKING:
    from harness.faults.actions import Action

AWS_CALL = "*"
BEFORE_AND_AFTER = (BEFORE, AFTER)
# The places inside an execution.
INSIDE_FUNCTION = tuple((call, when) for call in (AWS_CALL, "handle", ACKNOWLEDGE) for when in BEFORE_AND_AFTER)


F = TypeVar("F", bound="Fault")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fault(fault_class: type[F]) -> type[F]:
    """A frozen dataclass that inherits __eq__ and __repr__: generating them would slow down every cold start."""
    return dataclass(frozen=True, kw_only=True, eq=False, repr=False)(fault_class)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Fault:
    """Where and how often a fault fires. Without any of these it fires at every point that it can act at.

    process: writer, writer/1, function, dispatcher (a glob). call: an AWS call such as dynamodb.PutItem, `effect`
    (any call that writes to a sink), or a place: operation, handle, acknowledge, deliver (a glob).
    intent, item: a glob.
    nth: fires at the nth point that fits (from 1), or at each of a list. times: fires at most so often.
    probability: drawn for each point. between: only in this span, in seconds since the run began.
    """

    NAME: ClassVar[str]
    PLACES: ClassVar[tuple[tuple[str, str], ...]]
    ROLES: ClassVar[tuple[str, ...]] = (WRITER, FUNCTION, DISPATCHER)

    process: str = "*"
    call: str = "*"
    intent: str = "*"
    item: str = "*"
    nth: int | tuple[int, ...] | None = None
    times: int | None = None
    probability: float = 1.0
    between: tuple[float, float] | None = None

    def __repr__(self) -> str:
        """Like a dataclass's, but with the fault's word as the class name. It names the fault in draws."""
        values = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{self.NAME.title().replace('_', '')}({values})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def matches(self, point: Point) -> bool:
        """Whether this fault is aimed at the point; `nth`, `times` and `probability` are applied afterwards."""
        return (
            self._acts_at(point)
            and point.role in self.ROLES
            and _fits(self.process, point.process, point.role)
            and (point.effect if self.call == EFFECT else fnmatchcase(point.call, self.call))
            and _any_fits(self.intent, point.intents)
            and _any_fits(self.item, point.items)
            and (self.between is None or self.between[0] <= point.time / 1e6 < self.between[1])
        )

    def reaches(self, role: str) -> bool:
        """Whether it can fire in a process of this kind."""
        return role in self.ROLES and names_role(self.process, role)

    def decide(self, point: Point) -> Action | None:
        """The action at a point that matches, or None."""
        raise NotImplementedError

    def _acts_at(self, point: Point) -> bool:
        calls = (point.call,) if point.call in PLACES else (point.call, AWS_CALL)
        return any((call, point.when) in self.PLACES for call in calls)


def names_role(process: str, role: str) -> bool:
    """Whether a glob over processes can match a process of this kind."""
    return fnmatchcase(role, process.partition("/")[0]) or fnmatchcase(f"{role}/0", process)


def _fits(pattern: str, *names: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _any_fits(pattern: str, names: tuple[str, ...]) -> bool:
    return pattern == "*" or _fits(pattern, *names)
