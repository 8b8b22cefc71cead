"""The plan of a run, as functions get it: the faults, the seed, and where effects land."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from harness.agent.subject import Names
from harness.faults import FAULTS
from harness.faults.base import Fault


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """`began` is when the run began, in microseconds since the Unix epoch; `sinks` and `names` are the wire's.

    at_once: whether each operation is stored before the next, because the process may be killed from outside.
    """

    faults: tuple[Fault, ...]
    seed: int
    began: int
    sinks: frozenset[str]
    at_once: bool = False
    names: Names = ((), ())

    def to_json(self) -> dict[str, Any]:
        faults = [
            [fault.NAME, {each.name: getattr(fault, each.name) for each in fields(fault)}] for fault in self.faults
        ]
        sinks = sorted(self.sinks)
        plain = {"seed": self.seed, "began": self.began, "at_once": self.at_once, "names": self.names}
        return {"faults": faults, "sinks": sinks, **plain}

    @staticmethod
    def from_json(content: dict[str, Any]) -> FunctionPlan:
        faults = tuple(_fault(name, given) for name, given in content["faults"])
        intent, item = content["names"]
        return FunctionPlan(
            faults,
            content["seed"],
            content["began"],
            frozenset(content["sinks"]),
            content["at_once"],
            (tuple(intent), tuple(item)),
        )


def _fault(name: str, given: dict[str, Any]) -> Fault:
    make: Callable[..., Fault] = FAULTS[name]
    return make(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})
