"""JSON Schemas: derived from models, looked up by path, and put into sentences: what was got, what is valid.

What is valid is read from the schema of the part, so that the sentence and the editor say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from harness.errors import DocumentPath, Mistake, Mistakes, closest, nearest, path_text, shown
from harness.models import (
    REQUIRED,
    SCALARS,
    After,
    Before,
    Instead,
    Keywords,
    Model,
    Refusal,
    Refusals,
    Schema,
    Why,
    fields_of,
)

_JSON = (str, int, float, bool, list, dict, NoneType)

# A number of seconds, written as a text with its unit.
DURATION = {
    "type": "string",
    "pattern": r"^([0-9]{1,10}(?:\.[0-9]{1,10})?)(ms|s|m|h|d)$",
    "examples": ["500ms", "3s", "10m", "2h", "1d"],
}


def schema_of(kind: Any) -> Schema:
    """The JSON Schema of a kind, with the models inside it under `$defs`. Raises TypeError for what no field can be."""
    models: dict[str, Schema] = {}
    schema = _model_schema(kind, models) if _is_model(kind) else _schema(kind, models)
    return {**schema, "$defs": dict(sorted(models.items()))} if models else schema


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and (issubclass(kind, Model) or is_dataclass(kind))


def _schema(kind: Any, models: dict[str, Schema]) -> Schema:
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if kind is Any:
        return {}
    if kind in SCALARS:
        return {"type": SCALARS[kind]}
    if origin is Annotated:
        return _annotated_schema(kind, models)
    if origin is Union or origin is UnionType:
        schemas = [_schema(each, models) for each in inner]
        alternatives = [part for each in schemas for part in (each["anyOf"] if [*each] == ["anyOf"] else [each])]
        return {"anyOf": alternatives}
    if origin is Literal:
        types = {_schema(type(word), models)["type"] for word in inner}
        words: Schema = {"enum": [*inner]} if len(inner) > 1 else {"const": inner[0]}
        return {**words, "type": types.pop()} if len(types) == 1 else words
    if origin in (dict, list, tuple):
        return _container_schema(origin, inner, models)
    if _is_model(kind):
        if kind.__name__ not in models:
            models[kind.__name__] = {}  # which ends a circle
            models[kind.__name__] = _model_schema(kind, models)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    raise TypeError(f"{getattr(kind, '__name__', kind)} is no type of a field")


def _container_schema(container: type, inner: tuple[Any, ...], models: dict[str, Schema]) -> Schema:
    entries = [_schema(each, models) for each in inner if each is not ...]
    if container is dict:
        return {"type": "object", "additionalProperties": (entries and entries[1]) or True}
    if container is list or not inner or inner[-1] is ...:
        return {"type": "array", "items": entries[0] if entries else {}}
    return {"type": "array", "minItems": len(inner), "maxItems": len(inner), "prefixItems": entries}


def _annotated_schema(kind: Any, models: dict[str, Schema]) -> Schema:
    notes = kind.__metadata__
    instead = next((note for note in notes if isinstance(note, Instead)), None)
    written = instead.written if instead else kind.__origin__
    schema = written if isinstance(written, dict) else _schema(written, models)
    for note in notes:
        if isinstance(note, Keywords):
            schema = {**schema, **note.schema}
        elif isinstance(note, Before | After) and note.schema is not None:
            schema = note.schema if isinstance(note.schema, dict) else note.schema(schema)
        elif isinstance(note, str):
            schema = {**schema, "description": note}
        elif not isinstance(note, Before | After | Instead):
            raise TypeError(f"{type(note).__name__} says nothing of a field: bounds are Keywords of harness.models")
    return schema


def _model_schema(kind: Any, models: dict[str, Schema]) -> Schema:
    from inspect import cleandoc

    properties: dict[str, Schema] = {}
    required = []
    for name, field in fields_of(kind).items():
        key = kind.key(name) if issubclass(kind, Model) else name
        properties[key] = _schema(field.kind, models)
        if field.default is REQUIRED:
            required.append(key)
        elif isinstance(default := _written(field.default), _JSON):
            properties[key] = {"default": default, **properties[key]}
    described = {"description": cleandoc(kind.__doc__)} if kind.__doc__ else {}
    more = kind.SCHEMA if issubclass(kind, Model) else {}
    needed = {"required": required} if required else {}
    return {**described, "type": "object", "additionalProperties": False, "properties": properties, **needed, **more}


def _written(default: Any) -> Any:
    """A default as the user would write it."""
    if isinstance(default, Model):
        return {default.key(name): _written(getattr(default, name)) for name in default.FIELDS}
    return [_written(each) for each in default] if isinstance(default, tuple | list) else default


def mistakes(error: Refusals, schema: Schema, value: Any, noun: str, complete: bool = True) -> list[Mistake]:
    """One for each part that is wrong. `schema` and `value` are those of the whole that was read.

    noun: what the whole is called, as in "a scenario". complete: whether what is missing counts.
    """
    unknown = [refusal.path for refusal in error.refusals if refusal.why is Why.UNKNOWN_KEY]
    meant = [_meant(path, schema) for path in unknown]
    sentences: dict[Mistake, None] = {}
    for refusal in error.refusals:
        # A key with a typo is unknown, and missing under its right name: that is one mistake.
        excused = not complete or any(refusal.path[: len(other)] == other for other in meant)
        if refusal.why is not Why.MISSING or not excused:
            sentences.update(dict.fromkeys(_sentences(refusal, schema, value, noun)))
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


def _sentences(refusal: Refusal, schema: Schema, value: Any, noun: str) -> Iterator[Mistake]:
    path, why = refusal
    if why is Why.UNKNOWN_KEY:
        yield unknown_key(path, schema, noun)
    elif why is Why.MISSING:
        meaning = (schema_at(schema, path) or {}).get("description", "")
        yield Mistake(path[:-1], f"'{path[-1]}' is missing: {meaning}".removesuffix(": "))
    elif isinstance(why, Mistakes):
        yield from (mistake.below(path) for mistake in why.mistakes)
    elif isinstance(why, ValueError):
        yield Mistake(path, str(why))
    else:
        yield not_valid(path, schema, value)


def not_valid(path: DocumentPath, schema: Schema, value: Any) -> Mistake:
    """What the value at a path is, and what the schema allows there."""
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
    if schema.get("pattern") == DURATION["pattern"]:
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
