"""What pydantic refuses, in sentences: where, what was got, what is valid, and the nearest valid word.

What is valid is read from the JSON Schema of the part, so that the sentence and the editor say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harness.errors import DocumentPath, Mistake, Mistakes, closest, nearest, path_text, shown
from harness.scenario.fields import TEXT_SCHEMA

Schema = dict[str, Any]
SCHEMA_FILE = Path(__file__).with_name("schema.json")
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


@cache
def json_schema() -> Schema:
    """The JSON Schema of a scenario file, for editors, for the reference and for the words of errors. Do not change it.

    Draft 2020-12; each field has a description. It is kept as a file, because deriving it from the models takes longer
    than reading a scenario: `python -m tools.docs` writes it, and a test compares.
    """
    schema: Schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return schema


def mistakes(error: ValidationError, schema: Schema, value: Any, noun: str, complete: bool = True) -> list[Mistake]:
    """One for each part that is wrong. `schema` and `value` are those of the whole that was validated.

    noun: what the whole is called, as in "a scenario". complete: whether what is missing counts.
    """
    errors = error.errors(include_url=False)
    unknown = [detail["loc"] for detail in errors if detail["type"] in _UNKNOWN_KEY]
    meant = [_meant(path, schema) for path in unknown]
    sentences: dict[Mistake, None] = {}
    for detail in errors:
        path = detail["loc"]
        # A key with a typo is unknown, and missing under its right name: that is one mistake.
        excused = not complete or any(path[: len(other)] == other for other in meant)
        if detail["type"] != "missing" or not excused:
            sentences.update(dict.fromkeys(_sentences(detail, schema, value, noun)))
    return list(sentences)


def unknown_key(path: DocumentPath, schema: Schema, noun: str) -> Mistake:
    parent = path_text(path[:-1]) or noun
    keys = properties(schema_at(schema, path[:-1]), schema)
    return Mistake(path, f"'{path[-1]}' is not a key of {parent}. {nearest(str(path[-1]), keys)}", at_key=True)


def schema_at(schema: Schema, path: DocumentPath) -> Schema | None:
    """The schema of what may stand at a path; None when nothing may."""
    part: Schema | None = schema
    for step in path:
        part = next(_children(part, step, schema), None) if part is not None else None
    return part


def properties(schema: Schema | None, root: Schema) -> dict[str, Schema]:
    """The keys that a mapping may have by name."""
    alternatives = _alternatives(schema, root) if schema is not None else ()
    return {name: inner for each in alternatives for name, inner in each.get("properties", {}).items()}


def expected(schema: Schema, root: Schema) -> str:
    """What is valid, as in `a whole number from 1 to 10`."""
    words = [_expected(each, root) for each in _alternatives(schema, root) if each.get("type") != "null"]
    return " or ".join(dict.fromkeys(words))


def _sentences(detail: ErrorDetails, schema: Schema, value: Any, noun: str) -> Iterator[Mistake]:
    path, type = detail["loc"], detail["type"]
    reason = (detail.get("ctx") or {}).get("error")
    if type in _UNKNOWN_KEY:
        yield unknown_key(path, schema, noun)
    elif type == "missing" and isinstance(path[-1], str):
        meaning = (schema_at(schema, path) or {}).get("description", "")
        yield Mistake(path[:-1], f"'{path[-1]}' is missing: {meaning}".removesuffix(": "))
    elif isinstance(reason, Mistakes):
        yield from (mistake.below(path) for mistake in reason.mistakes)
    elif isinstance(reason, ValueError):
        yield Mistake(path, str(reason))
    else:
        yield refusal(path, schema, value)


def refusal(path: DocumentPath, schema: Schema, value: Any) -> Mistake:
    """What the value at a path is, and what the schema allows there."""
    # The alternatives of a union are steps of pydantic's path, but not of the user's.
    parts: list[tuple[DocumentPath, Schema, Any]] = [((), schema, value)]
    for step in path:
        around, outer, whole = parts[-1]
        inner = next(_children(outer, step, schema), None)
        if inner is None or not _has(whole, step):
            break
        parts.append(((*around, step), inner, whole[step]))
    innermost, expectation, got = parts[-1]
    words = [word for each in _alternatives(expectation, schema) for word in each.get("enum", ())]
    if isinstance(got, str) and words:
        return Mistake(innermost, f"got {shown(got)}. {nearest(got, words)}")
    return Mistake(innermost, f"got {shown(got)}; expected {expected(expectation, schema)}")


def _meant(path: DocumentPath, schema: Schema) -> DocumentPath:
    keys = properties(schema_at(schema, path[:-1]), schema)
    return (*path[:-1], closest(str(path[-1]), keys) or path[-1])


def _has(value: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def _children(schema: Schema, step: str | int, root: Schema) -> Iterator[Schema]:
    for each in _alternatives(schema, root):
        if isinstance(step, str):
            other = each.get("additionalProperties")
            inner = each.get("properties", {}).get(step, other if isinstance(other, dict) else None)
            inner = {} if inner is None and other is True else inner
        else:
            listed = each.get("prefixItems", ())
            inner = listed[step] if step < len(listed) else each.get("items")
        if inner is not None:
            yield inner


def _alternatives(schema: Schema, root: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _alternatives(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema or "oneOf" in schema:
        for each in schema.get("anyOf") or schema["oneOf"]:
            yield from _alternatives(each, root)
    else:
        yield schema


def _expected(schema: Schema, root: Schema) -> str:
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return str(schema["const"])
    if isinstance(schema.get("type"), list):
        return " or ".join(_expected({"type": type}, root) for type in schema["type"])
    match schema.get("type"):
        case "integer":
            return f"a whole number{_bounds(schema)}"
        case "number":
            return f"a number{_bounds(schema)}"
        case "string":
            return _text(schema)
        case "boolean":
            return "true or false"
        case "array":
            return _list(schema, root)
        case _:
            required = " and ".join(schema.get("required", ()))
            return f"a mapping with {required}" if required else "a mapping"


def _text(schema: Schema) -> str:
    examples = ", ".join(map(str, schema.get("examples", ())))
    if schema.get("pattern") == TEXT_SCHEMA["pattern"]:
        return f"the same with a unit ({examples})"
    pattern = f" ({schema['pattern']})" if "pattern" in schema else ""
    content = f" such as {examples}{pattern}" if examples else " that is not empty" if schema.get("minLength") else ""
    return f"a text{content}"


def _list(schema: Schema, root: Schema) -> str:
    entries = schema.get("prefixItems", ())
    if entries:  # the pairs of a scenario have two entries of one type
        return f"a list of {len(entries)}, each entry {expected(entries[0], root)}"
    items = schema.get("items", {})
    return f"a list, each entry {expected(items, root)}" if "type" in items else "a list"


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']:g}"
    return f" of at least {low}" if low is not None else ""
