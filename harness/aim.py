"""Whether a fault can fire at all where it is aimed: what the scenario's check knows of it before a run. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from harness.errors import Mistake, nearest
from harness.faults.actions import ACKNOWLEDGE, DELIVER, DISPATCHER, EFFECT, FUNCTION, HANDLE, OPERATION, WRITER
from harness.faults.base import AWS_CALL, Fault, is_of

# Who passes by at a place.
ROLES: dict[str, tuple[str, ...]] = {
    OPERATION: (WRITER,),
    HANDLE: (FUNCTION,),
    ACKNOWLEDGE: (FUNCTION,),
    EFFECT: (FUNCTION,),
    DELIVER: (DISPATCHER,),
    AWS_CALL: (WRITER, FUNCTION, DISPATCHER),
}
# Fields by name: least and greatest value. A fault that could never fire is a mistake.
BOUNDS: dict[str, tuple[float, float | None]] = {
    "nth": (1, None),
    "times": (1, None),
    "probability": (0, 1),
    "between": (0, None),
    "seconds": (0, None),
    "position": (0, 1),
    "share": (0, 1),
    "records": (1, None),
}
# Every item operation of the API reference of DynamoDB, and what else the pipeline's own processes call.
_ITEM_OPERATIONS = (
    *("BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement"),
    *("ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems"),
    "UpdateItem",
)
CALLS = (
    *(f"dynamodb.{operation}" for operation in _ITEM_OPERATIONS),
    *("dynamodbstreams.GetRecords", "kinesis.GetRecords", "kinesis.PutRecord", "lambda.Invoke", "sqs.SendMessage"),
)
_CALL = re.compile(r"[a-z0-9]+\.[A-Z][A-Za-z0-9]+")
_GLOB = re.compile(r"[*?\[]")


def mistakes(fault: Fault) -> list[Mistake]:
    """Everything that keeps the fault from ever firing, or that is out of bounds."""
    return [*_out_of_bounds(fault), *_astray(fault)]


def _out_of_bounds(fault: Fault) -> Iterator[Mistake]:
    for name, (low, high) in BOUNDS.items():
        given: Any = getattr(fault, name, None)
        for number in given if isinstance(given, tuple) else () if given is None else (given,):
            if not (low <= number and (high is None or number <= high)):
                span = f"from {low} to {high}" if high is not None else f"of at least {low}"
                yield Mistake((name,), f"got {number:g}; expected a number {span}")
    if fault.nth == ():
        yield Mistake(("nth",), "got an empty list; expected at least one whole number")
    if fault.between and fault.between[0] >= fault.between[1]:
        yield Mistake(("between",), f"the span from {fault.between[0]:g} s to {fault.between[1]:g} s is empty")


def _astray(fault: Fault) -> Iterator[Mistake]:
    roles = [role for role in (DISPATCHER, FUNCTION, WRITER) if is_of(role, fault.process)]
    if not roles:
        known = (DISPATCHER, FUNCTION, WRITER)
        yield Mistake(("process",), f"'{fault.process}' is no process. {nearest(fault.process, known)}")
        return
    aimed = list(_aimed_at(fault.call))
    if not aimed:
        yield Mistake(("call",), f"'{fault.call}' is neither a call nor a place. {nearest(fault.call, _words())}")
        return
    when = getattr(fault, "when", None)
    places = [place for place, moment in fault.PLACES if when in (None, moment)]
    named = [place for place in places if place in CALLS and (fault.call == EFFECT or fnmatchcase(place, fault.call))]
    acts_here = {*places, AWS_CALL} if named else set(places)
    reached = [place for place in aimed if (AWS_CALL if place == EFFECT else place) in acts_here]
    if not reached:
        moment = when or "at"
        acts = ", ".join(dict.fromkeys("any AWS call" if place == AWS_CALL else place for place in places))
        yield Mistake(("call",), f"{fault.NAME} cannot act {moment} '{fault.call}'. It acts {moment}: {acts}")
        return
    passing = dict.fromkeys(role for place in reached for role in ROLES[place] if role in fault.ROLES)
    if not any(role in passing for role in roles):
        what = f"{fault.NAME} at '{fault.call}' is a fault of {', '.join(passing)}, never of '{fault.process}'"
        yield Mistake(("process",), what)


def _aimed_at(call: str) -> Iterator[str]:
    """The places that a call (a glob) names; any AWS call is one of them."""
    if call == EFFECT:
        yield EFFECT
        return
    yield from (place for place in (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER) if fnmatchcase(place, call))
    service = call.partition(".")[0]
    if _GLOB.search(call) or call in CALLS or (_CALL.fullmatch(call) and service != "dynamodb"):
        yield AWS_CALL


def _words() -> tuple[str, ...]:
    return (*CALLS, OPERATION, HANDLE, ACKNOWLEDGE, DELIVER, EFFECT)
