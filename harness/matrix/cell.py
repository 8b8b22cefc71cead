"""One cell of the matrix, and the scenario that it is."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from harness.matrix.aims import Aim
from harness.matrix.consumers import PARAMETERS, Consumer

AXES = ("writer", "consumer", "fault", "sink")
# Two changes of each of two items, one after another: an older change can come late, and both items can be mixed up.
_WORKLOAD = {"intents": 4, "items": 2}
_MAPPING = {"batch_size": 2, "report_batch_item_failures": True}


@dataclass(frozen=True, slots=True)
class Cell:
    writer: str
    consumer: str
    fault: str
    sink: str

    def __str__(self) -> str:
        return "/".join(astuple(self))


def scenario_of(cell: Cell, consumer: Consumer, aim: Aim) -> dict[str, Any]:
    """As a user would have written it. A handler that returns nothing has reported no failure, so that the setting
    under which it may is right for all."""
    pipeline: dict[str, Any] = {"handler": consumer.handler.as_posix(), "mapping": dict(_MAPPING)}
    if cell.sink in PARAMETERS:
        pipeline["parameters"] = dict(PARAMETERS[cell.sink])
    return {
        "scenario": "matrix-cell",
        "question": f"Is '{cell.consumer}' exactly-once behind '{cell.writer}' when {aim.does}?",
        "pipeline": pipeline,
        "workload": {"writer": cell.writer, **_WORKLOAD},
        "faults": [dict(fault) for fault in aim.faults],
        "expect": "valid",
    }
