"""Derives the JSON Schema of a scenario file from its models, the faults and the writers."""

# Annotations are no texts here: a model looks at its own.
from typing import Annotated, Any

from harness.faults import FAULTS
from harness.models import EMPTY, Keywords, Schema
from harness.scenario.expectation import Differs, Spec
from harness.scenario.fault_entry import fault_schema
from harness.scenario.fields import OWN_SCHEMA, PATTERN
from harness.scenario.model import Scenario
from harness.schemas import schema_of
from harness.workload import WRITERS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MATRIX = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}, "minItems": 1},
            {"type": "object", "minProperties": 1},
        ]
    },
    "examples": [{"workload.writer": ["put", "stamped_put"]}],
}


_DIFFERS_EXAMPLE = {"localstack": {"bisect": {"expect": "refused", "why": "it does not split batches (G-04)"}}}


class _File(Scenario):
    """What a scenario file holds: one variant, or with a matrix many."""

    matrix: Annotated[
        dict[str, Any],
        Keywords(**_MATRIX),
        "Paths into the scenario, each with the values it takes in turn: a list, or names with values.",
    ] = EMPTY
    expect: Annotated[
        Spec | Annotated[dict[str, Spec], Keywords(minProperties=1)],
        "The verdict expected: of every variant, or by pattern over their names, the first match counting.",
    ]
    differs: Annotated[
        Differs,
        Keywords(examples=[_DIFFERS_EXAMPLE]),
        "Known differences: by platform, and by pattern over variants, what they end as there and why; "
        "`refused` where the platform does not run them.",
    ] = EMPTY


def derived_schema() -> Schema:
    """Draft 2020-12; each field has a description. The faults are those of the table, or any `module:attr`."""
    schema = schema_of(_File)
    for word, fault_class in FAULTS.items():
        schema["$defs"][word] = fault_schema(fault_class)
    schema["properties"]["faults"]["items"] = {"oneOf": _fault_entries()}
    writer = schema["$defs"]["Workload"]["properties"]["writer"]
    writer |= {"examples": list(WRITERS), "anyOf": [{"enum": list(WRITERS)}, OWN_SCHEMA]}
    schema["$defs"]["Workload"]["required"].remove("intents")  # which follows from `data`, where that is given
    return {"$schema": DIALECT, **_ordered(schema), "title": "Scenario"}


def _fault_entries() -> list[Schema]:
    """Alone, or with fields; each by its word, or by the class of a module."""
    with_fields: list[Schema] = [
        {
            "type": "object",
            "description": fault_schema(fault_class)["description"],
            "additionalProperties": False,
            "properties": {word: {"anyOf": [{"$ref": f"#/$defs/{word}"}, {"type": "null"}]}},
            "required": [word],
        }
        for word, fault_class in FAULTS.items()
    ]
    own = {
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {PATTERN: {"type": ["object", "null"]}},
        "minProperties": 1,
        "maxProperties": 1,
    }
    return [{"enum": list(FAULTS)}, OWN_SCHEMA, *with_fields, own]


def _ordered(part: Any, is_schema: bool = True) -> Any:
    """Keywords by the alphabet, as an editor shows them; the fields in the order of the models."""
    if isinstance(part, list):
        return [_ordered(each) for each in part]
    if not isinstance(part, dict):
        return part
    keys = sorted(part) if is_schema else part
    return {key: _ordered(part[key], key not in ("$defs", "default", "properties")) for key in keys}
