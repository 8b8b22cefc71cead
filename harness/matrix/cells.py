"""The cells of the matrix, the faults on one of its axes, and the scenario that a cell is."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

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
    """The scenario of the cell, as a user would write it.

    ReportBatchItemFailures is on for every handler: one that returns None reports no failure.
    """
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


# The fault passes by half of the points that fit, so that it fires elsewhere with another seed, and then never again.
_SOMEWHERE = {"probability": 0.5, "times": 1}
_WRITER = {"process": "writer", "call": "dynamodb.*"}
_FUNCTION = {"process": "function"}
_HOURS_LATER = 7200  # longer than most markers live, and less than the 24 hours of a stream (S-46)


@dataclass(frozen=True, slots=True)
class Aim:
    """A kind of harm, aimed so that it fires once in a run. faults: as in a scenario."""

    does: str
    faults: tuple[dict[str, Any], ...]


def _once(word: str, **fields: Any) -> tuple[dict[str, Any], ...]:
    return ({word: {**fields, **_SOMEWHERE}},)


AIMS: dict[str, Aim] = {
    "writer_reply_lost": Aim(
        "a reply to the writer is lost, and its SDK sends the request again", _once("lose_reply", **_WRITER)
    ),
    "put_twice": Aim("the application makes one change twice, the same", _once("duplicate_put")),
    "put_twice_changed": Aim(
        "the application makes one change twice, with another note in the item", _once("duplicate_put", changed=True)
    ),
    "crash_before_effect": Aim("the function dies just before an effect", _once("crash", when="before")),
    "crash_after_effect": Aim("the function dies just after an effect", _once("crash", when="after")),
    "reply_lost": Aim(
        "a reply to the function is lost, and its SDK sends the request again", _once("lose_reply", **_FUNCTION)
    ),
    "redelivered_beside": Aim(
        "a batch comes again while it is still being handled", _once("redeliver", concurrently=True)
    ),
    "redelivered_late": Aim(
        "a batch that was acknowledged comes again two hours later", _once("redeliver", seconds=_HOURS_LATER)
    ),
    "none": Aim("nothing goes wrong", ()),
    "redelivered": Aim("a batch that was acknowledged comes again at once", _once("redeliver")),
    "put_twice_late": Aim(
        "the application makes one change twice, and the second one is under way for 20 seconds",
        (*_once("duplicate_put", concurrently=True), {"delay": {**_WRITER, "process": "writer/1", "seconds": 20}}),
    ),
    "writer_request_lost": Aim(
        "a request of the writer is lost, and its SDK sends it again", _once("lose_request", **_WRITER)
    ),
    "writer_throttled": Aim("AWS throttles a call of the writer", _once("refuse", **_WRITER)),
    "left_unprocessed": Aim("AWS leaves half of a batch write", _once("leave_unprocessed")),
    "timeout_before_effect": Aim(
        "the function hangs before an effect until it times out", _once("timeout", when="before")
    ),
    "timeout_after_effect": Aim(
        "the function hangs after an effect until it times out", _once("timeout", when="after")
    ),
    "error_after_handler": Aim(
        "the function raises when it has handled its batch", _once("function_error", call="acknowledge")
    ),
    "partial_failure": Aim("the function reports half of its batch as failed", _once("partial_failure")),
    "throttled": Aim("AWS throttles a call of the function", _once("refuse", **_FUNCTION)),
    "request_lost": Aim(
        "a request of the function is lost, and its SDK sends it again", _once("lose_request", **_FUNCTION)
    ),
    "slow_call": Aim("a call of the function takes half a second", _once("delay", **_FUNCTION, seconds=0.5)),
    "result_lost": Aim(
        "the function's answer to the mapping is lost",
        _once("lose_reply", process="dispatcher", call="lambda.Invoke"),
    ),
    "rolled_back": Aim("the mapping's checkpoint rolls back to the beginning", _once("roll_back")),
    "mapping_recreated": Aim("the mapping is deleted and made again", _once("recreate_mapping")),
    "mapping_disabled": Aim("the mapping is disabled for a while", _once("disable_mapping")),
    "function_throttled": Aim("the function may not run for a while", _once("throttle_function")),
    "function_killed": Aim("the function's process is killed from outside", _once("kill_function")),
    "platform_killed": Aim("LocalStack is killed and started again", _once("kill_platform")),
    "platform_restarted": Aim("LocalStack is restarted", _once("restart_platform")),
    "platform_paused": Aim("LocalStack stands still for a while", _once("pause_platform")),
    "platform_slow": Aim("LocalStack is slow for a while", _once("slow_platform")),
}
STANDARD_FAULTS = tuple(AIMS)[:8]  # those of a matrix without filters
