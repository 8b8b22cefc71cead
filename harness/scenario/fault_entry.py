"""Reads an entry of `faults`: the fault, its fields, and whether it can fire at what it is aimed at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import Mistake, Mistakes, nearest, shown
from harness.faults import FAULTS
from harness.faults.base import AWS_CALL, Fault, names_role
from harness.faults.points import (
    ACKNOWLEDGE,
    BATCH_CALLS,
    CANCELED,
    DELIVER,
    DISPATCHER,
    EFFECT,
    ERRORS,
    FUNCTION,
    HANDLE,
    OPERATION,
    TRANSACTIONS,
    WRITER,
    answers,
)
from harness.models import Refusals, Schema, read
from harness.scenario.fields import HERE, implementation, seconds
from harness.schemas import DURATION, schema_of
from harness.schemas import mistakes as sentences

# The kinds of process that pass a place.
ROLES: dict[str, tuple[str, ...]] = {
    OPERATION: (WRITER,),
    HANDLE: (FUNCTION,),
    ACKNOWLEDGE: (FUNCTION,),
    EFFECT: (FUNCTION,),
    DELIVER: (DISPATCHER,),
    AWS_CALL: (WRITER, FUNCTION, DISPATCHER),
}
# The least and the greatest value of fields, by name.
BOUNDS: dict[str, tuple[float, float | None]] = {
    "nth": (1, None),
    "times": (1, None),
    "probability": (0, 1),
    "between": (0, None),
    "seconds": (0, None),
    "position": (0, 1),
    "operation": (0, 99),
    "share": (0, 1),
    "records": (1, None),
}
# The item operations of DynamoDB's API reference; CALLS adds the other calls of the pipeline's processes.
_ITEM_OPERATIONS = (
    *("BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement"),
    *("ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems"),
    "UpdateItem",
)
CALLS = (
    *(f"dynamodb.{operation}" for operation in _ITEM_OPERATIONS),
    *("dynamodbstreams.GetRecords", "kinesis.GetRecords", "kinesis.PutRecord", "lambda.Invoke", "sqs.SendMessage"),
    *(call for call in BATCH_CALLS if not call.startswith("dynamodb.")),
)
_CALL = re.compile(r"[a-z0-9]+\.[A-Z][A-Za-z0-9]+")
_GLOB = re.compile(r"[*?\[]")


def mistakes(fault: Fault) -> list[Mistake]:
    """Everything that keeps the fault from ever firing, or that is out of bounds."""
    return [*_out_of_bounds(fault), *_out_of_reach(fault), *_never_answered(fault)]


def _out_of_bounds(fault: Fault) -> Iterator[Mistake]:
    for name, (low, high) in BOUNDS.items():
        value: Any = getattr(fault, name, None)
        for number in value if isinstance(value, tuple) else () if value is None else (value,):
            if not (low <= number and (high is None or number <= high)):
                span = f"from {low} to {high}" if high is not None else f"of at least {low}"
                got = f"{number:g}" if isinstance(number, float) else shown(number)
                yield Mistake((name,), f"got {got}; expected a number {span}")
    if fault.nth == ():
        yield Mistake(("nth",), "got an empty list; expected at least one whole number")
    if fault.between and fault.between[0] >= fault.between[1]:
        yield Mistake(("between",), f"the span from {fault.between[0]:g} s to {fault.between[1]:g} s is empty")


def _out_of_reach(fault: Fault) -> Iterator[Mistake]:
    roles = [role for role in (DISPATCHER, FUNCTION, WRITER) if names_role(fault.process, role)]
    if not roles:
        valid = (DISPATCHER, FUNCTION, WRITER)
        yield Mistake(("process",), f"'{fault.process}' is no process. {nearest(fault.process, valid)}")
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


def _never_answered(fault: Fault) -> Iterator[Mistake]:
    """An error that none of the calls has at which the fault is aimed."""
    code = getattr(fault, "code", None)
    if code is None or not isinstance(fault, FAULTS["refuse"]):  # which is imported only for what looks like it
        return
    calls = [call for call in CALLS if fnmatchcase(call, fault.call)]
    if calls and not any(answers(call, code) for call in calls):
        codes = [other for other in ERRORS if any(answers(call, other) for call in calls)]
        advice = "A conflict cancels the transaction, with a reason. " if fault.call in TRANSACTIONS else ""
        message = f"{fault.call} never answers with {code}. {advice}{nearest(code, codes)}"
        yield Mistake(("code",), message)
    for name, default in (("reason", "conflict"), ("operation", 0)):
        if getattr(fault, name) != default and code != CANCELED:
            yield Mistake((name,), f"{name} goes with code: {CANCELED}")


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


_DURATIONS = ("seconds", "between")


def parse_fault(entry: Any, folders: tuple[Path, ...] = HERE) -> Fault:
    """`crash` or `crash: {nth: 1}`. Raises Mistakes, with paths that begin at the entry.

    folders: those of the scenario, where the module of a fault of the user's own may lie.
    """
    name, fields_by_name = _split(entry)
    at_key = isinstance(entry, dict)
    path = (name,) if at_key else ()
    try:
        fault_class = implementation(name, FAULTS, "a fault", "harness.faults.base:Fault", folders)
        schema = _schema(fault_class, name)
    except ValueError as error:
        raise Mistakes([Mistake((), str(error), at_key)]) from error
    if not isinstance(fields_by_name, dict | None):
        raise Mistakes([Mistake(path, f"got {shown(fields_by_name)}; expected a mapping of the fields of {name}")])
    values = {key: _in_seconds(key, value) for key, value in (fields_by_name or {}).items()}
    try:
        fault: Fault = read(fault_class, values)
    except Refusals as error:
        wrong = sentences(error, schema, values, name)
        raise Mistakes(mistake.below(path) for mistake in wrong) from error
    if wrong := mistakes(fault):
        raise Mistakes(mistake.below(path) for mistake in wrong)
    return fault


@cache
def _schema(fault_class: type[Fault], word: str) -> Schema:
    """Cached: it takes a millisecond to make, and each variant of a matrix has the same faults."""
    for name in ("NAME", "PLACES"):
        if not hasattr(fault_class, name):
            raise ValueError(f"'{word}' is not a fault: it has no {name}")
    try:
        return fault_schema(fault_class)
    except Exception as error:  # an annotation is the user's code, and may raise anything
        raise ValueError(f"'{word}' is not a fault: its fields cannot be read: {error}") from error


def fault_schema(fault_class: type[Fault]) -> Schema:
    """JSON Schema of a fault's fields; its docstring describes it and them."""
    schema = schema_of(fault_class)
    texts = _docstring_parts(fault_class)
    schema["description"] = texts[""]
    for name, field in schema["properties"].items():
        field["description"] = texts.get(name, "")
        for alternative in field.get("anyOf", [field]):
            _bound(name, alternative)
        if name in _DURATIONS:
            _allow_durations(field)
    return schema


def _split(entry: Any) -> tuple[str, Any]:
    if isinstance(entry, str):
        return entry, None
    if isinstance(entry, dict) and len(entry) == 1:
        return next(iter(entry.items()))
    raise ValueError(f"got {shown(entry)}; expected one fault, such as crash or crash: {{nth: 1}}")


def _in_seconds(name: str, value: Any) -> Any:
    if name not in _DURATIONS:
        return value
    return [seconds(each) for each in value] if isinstance(value, list) else seconds(value)


def _docstring_parts(fault_class: type[Fault]) -> dict[str, str]:
    """The fault's text under "", and that of each field under its name: `name: text` or `name, name: text`."""
    names = "|".join(field.name for field in fields(fault_class))
    label = re.compile(rf"(?:^|(?<=\s))((?:{names})(?:, (?:{names}))*): ")
    parts: dict[str, str] = {}
    for described in (Fault, fault_class):
        text, *labelled = label.split(" ".join((described.__doc__ or "").split()))
        parts[""] = text.strip()
        for heading, part in zip(labelled[::2], labelled[1::2], strict=True):
            parts |= dict.fromkeys(heading.split(", "), part.strip())
    return parts


def _bound(name: str, schema: Schema) -> None:
    if name not in BOUNDS:
        return
    low, high = BOUNDS[name]
    for number in (schema, schema.get("items", {}), *schema.get("prefixItems", ())):
        if number.get("type") in ("integer", "number"):
            number |= {"minimum": low} if high is None else {"minimum": low, "maximum": high}


def _allow_durations(field: Schema) -> None:
    for schema in field.get("anyOf", [field]):
        if schema.get("type") == "array":
            schema["prefixItems"] = [{"anyOf": [number, DURATION]} for number in schema["prefixItems"]]
        elif schema.get("type") == "number":
            number = {key: schema.pop(key) for key in ("type", "minimum", "maximum") if key in schema}
            schema["anyOf"] = [number, DURATION]
