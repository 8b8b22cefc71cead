"""A validator of JSON Schema, as far as the schema of scenarios goes: another keyword is an error."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_SAYS_NOTHING = {"$defs", "$schema", "default", "description", "examples", "title"}


def fits(value: Any, schema: Any, root: dict[str, Any] | None = None) -> bool:
    """Raises KeyError for a keyword that is not known here."""
    root = root or schema
    if isinstance(schema, bool):
        return schema
    return all(
        _KEYWORDS[keyword](value, argument, schema, root)
        for keyword, argument in schema.items()
        if keyword not in _SAYS_NOTHING
    )


def _is_type(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _is_number(value: Any) -> bool:
    return _is_type(value, "number")


def _other(value: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    patterns = schema.get("patternProperties", {})
    named = [key for key in value if key in schema.get("properties", {}) or any(re.search(p, key) for p in patterns)]
    return [inner for key, inner in value.items() if key not in named]


_KEYWORDS: dict[str, Any] = {
    "$ref": lambda v, a, s, r: fits(v, r["$defs"][a.rpartition("/")[2]], r),
    "additionalProperties": lambda v, a, s, r: not isinstance(v, dict) or all(fits(i, a, r) for i in _other(v, s)),
    "anyOf": lambda v, a, s, r: any(fits(v, each, r) for each in a),
    "const": lambda v, a, s, r: v == a,
    "enum": lambda v, a, s, r: v in a,
    "exclusiveMinimum": lambda v, a, s, r: not _is_number(v) or v > a,
    "items": lambda v, a, s, r: not isinstance(v, list) or all(fits(i, a, r) for i in v),
    "maxItems": lambda v, a, s, r: not isinstance(v, list) or len(v) <= a,
    "maximum": lambda v, a, s, r: not _is_number(v) or v <= a,
    "maxLength": lambda v, a, s, r: not isinstance(v, str) or len(v) <= a,
    "maxProperties": lambda v, a, s, r: not isinstance(v, dict) or len(v) <= a,
    "minItems": lambda v, a, s, r: not isinstance(v, list) or len(v) >= a,
    "minLength": lambda v, a, s, r: not isinstance(v, str) or len(v) >= a,
    "minimum": lambda v, a, s, r: not _is_number(v) or v >= a,
    "minProperties": lambda v, a, s, r: not isinstance(v, dict) or len(v) >= a,
    "oneOf": lambda v, a, s, r: sum(fits(v, each, r) for each in a) == 1,
    "pattern": lambda v, a, s, r: not isinstance(v, str) or bool(re.search(a, v)),
    "patternProperties": lambda v, a, s, r: (
        not isinstance(v, dict)
        or all(fits(i, each, r) for p, each in a.items() for k, i in v.items() if re.search(p, k))
    ),
    "prefixItems": lambda v, a, s, r: not isinstance(v, list) or all(map(lambda i, e: fits(i, e, r), v, a)),
    "properties": lambda v, a, s, r: not isinstance(v, dict) or all(fits(v[k], e, r) for k, e in a.items() if k in v),
    "required": lambda v, a, s, r: not isinstance(v, dict) or all(key in v for key in a),
    "type": lambda v, a, s, r: any(_is_type(v, name) for name in ([a] if isinstance(a, str) else a)),
}
