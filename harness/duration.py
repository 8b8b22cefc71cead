"""Durations as people write them: seconds, or a number with a unit."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600), "d": Fraction(86400)}
_DURATION = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
TEXT_SCHEMA = {"type": "string", "pattern": _DURATION.pattern, "examples": ["500ms", "3s", "10m", "2h", "1d"]}


def seconds(value: Any) -> Any:
    """`500ms` is 0.5 and `10m` is 600; what is no such text is left for others to judge."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    number = Fraction(found[1]) * _SECONDS[found[2]]
    return int(number) if number.denominator == 1 else float(number)


class Duration:
    """Annotates a number of seconds: it may be written as a duration too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(seconds, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), TEXT_SCHEMA]}
