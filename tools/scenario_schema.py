"""Derives the JSON Schema of a scenario file from its models, the faults and the writers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from harness.faults import FAULTS
from harness.scenario.expectation import Differs, Spec
from harness.scenario.fault_entry import fault_schema
from harness.scenario.fields import OWN_SCHEMA, PATTERN
from harness.scenario.messages import Schema
from harness.scenario.model import Scenario
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


class _File(Scenario):
    """What a scenario file holds: one variant, or with a matrix many."""

    matrix: Annotated[dict[str, Any], WithJsonSchema(_MATRIX)] = Field(
        {}, description="Paths into the scenario, each with the values it takes in turn: a list, or names with values."
    )
    expect: Spec | Annotated[dict[str, Spec], Field(min_length=1)] = Field(
        description="The verdict expected: of every variant, or by pattern over their names, the first match counting."
    )
    differs: Differs = Field(  # type: ignore[assignment]
        {},
        description="Known differences: by platform, and by pattern over variants, what they end as there and why; "
        "`refused` where the platform does not run them.",
        examples=[{"localstack": {"bisect": {"expect": "refused", "why": "it does not split batches (G-04)"}}}],
    )


def derived_schema() -> Schema:
    """Draft 2020-12; each field has a description. The faults are those of the table, or any `module:attr`."""
    schema = _File.model_json_schema()
    for word, fault_class in FAULTS.items():
        schema["$defs"][word] = fault_schema(fault_class)
    schema["properties"]["faults"]["items"] = {"oneOf": _fault_entries()}
    writer = schema["$defs"]["Workload"]["properties"]["writer"]
    writer |= {"examples": list(WRITERS), "anyOf": [{"enum": list(WRITERS)}, OWN_SCHEMA]}
    schema["$defs"]["Workload"]["required"].remove("intents")  # which follows from `data`, where that is given
    function = schema["$defs"]["Pipeline"]["properties"]["function"]
    function["anyOf"] = [{"type": "string"}, {"$ref": function.pop("$ref")}]
    return {"$schema": DIALECT, **_without_titles(schema), "title": "Scenario"}


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


def _without_titles(part: Any) -> Any:
    """Pydantic's titles only say the key again. A mapping of properties may have one that is called `title`."""
    if isinstance(part, list):
        return [_without_titles(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_titles(value) for key, value in part.items() if key != "title" or not isinstance(value, str)}
