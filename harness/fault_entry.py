"""One entry of a scenario's `faults`: a fault's word, alone or with its fields."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import aim
from harness.duration import TEXT_SCHEMA, seconds
from harness.errors import Mistake, Mistakes, shown
from harness.faults import FAULTS
from harness.faults.base import Fault
from harness.implementation import implementation
from harness.sentences import Schema
from harness.sentences import mistakes as sentences

_DURATIONS = ("seconds", "between")


def parse_fault(entry: Any) -> Fault:
    """`crash` or `crash: {nth: 1}`. Raises Mistakes, with paths that begin at the entry."""
    name, given = _split(entry)
    at_key = isinstance(entry, dict)
    path = (name,) if at_key else ()
    try:
        fault_class, adapter = _named(name)
    except ValueError as error:
        raise Mistakes([Mistake((), str(error), at_key)]) from error
    if not isinstance(given, dict | None):
        raise Mistakes([Mistake(path, f"got {shown(given)}; expected a mapping of the fields of {name}")])
    values = {key: _in_seconds(key, value) for key, value in (given or {}).items()}
    try:
        fault: Fault = adapter.validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        found = sentences(error, fault_schema(fault_class), values, name)
        raise Mistakes(mistake.below(path) for mistake in found) from error
    found = aim.mistakes(fault)
    if found:
        raise Mistakes(mistake.below(path) for mistake in found)
    return fault


def fault_schema(fault_class: type[Fault]) -> Schema:
    """JSON Schema of a fault's fields; its docstring describes it and them."""
    schema = TypeAdapter(fault_class).json_schema()
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


@cache
def _named(word: str) -> tuple[type[Fault], TypeAdapter[Any]]:
    """Kept, because to make an adapter takes a millisecond, and a matrix reads the same faults for each variant."""
    fault_class = implementation(word, FAULTS, "a fault")
    if not issubclass(fault_class, Fault):
        raise ValueError(f"'{word}' is not a fault: it is no subclass of harness.faults.base.Fault")
    return fault_class, TypeAdapter(fault_class)


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
    if name not in aim.BOUNDS:
        return
    low, high = aim.BOUNDS[name]
    for number in (schema, schema.get("items", {}), *schema.get("prefixItems", ())):
        if number.get("type") in ("integer", "number"):
            number |= {"minimum": low} if high is None else {"minimum": low, "maximum": high}


def _allow_durations(field: Schema) -> None:
    for schema in field.get("anyOf", [field]):
        if schema.get("type") == "array":
            schema["prefixItems"] = [{"anyOf": [number, TEXT_SCHEMA]} for number in schema["prefixItems"]]
        elif schema.get("type") == "number":
            number = {key: schema.pop(key) for key in ("type", "minimum", "maximum") if key in schema}
            schema["anyOf"] = [number, TEXT_SCHEMA]
