"""The reference of what a scenario may say, as Markdown: from the schema, the tables and the docstrings themselves."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.checkers import CHECKERS
from harness.faults import FAULTS
from harness.faults.wire import Noop
from harness.models import Schema
from harness.scenario import json_schema
from harness.scenario.fault_entry import fault_schema
from harness.scenario.load import load
from harness.schemas import expected
from harness.verdict import ANOMALIES
from harness.workload import WRITERS
from tools.inventory import leading_comment

HANDLERS = Path("lambda")
SCENARIOS = Path("scenarios")
_SEPARATE = ("faults",)  # fields whose words have a section of their own
_WHOLE = ("expect", "differs")  # fields that are described in one row


def fields() -> str:
    """Every field of a scenario by its path, with its type and bounds, its default and its meaning."""
    schema = json_schema()
    return _table(("field", "type", "default", "meaning"), _fields(schema, schema))


def aims() -> str:
    """The fields that every fault has: where and how often it fires."""
    return _table(("field", "type", "default", "meaning"), _fields({}, fault_schema(Noop)))


def faults() -> str:
    """Each fault with its own fields, and with what it is aimed at unless the scenario says otherwise."""
    general = fault_schema(Noop)["properties"]
    lines = []
    for word, fault_class in FAULTS.items():
        schema = fault_schema(fault_class)
        own = {name: field for name, field in schema["properties"].items() if field != general.get(name)}
        aim = [f"`{name}: {own.pop(name)['default']}`" for name in general if name in own]
        aimed = f" Aimed at {', '.join(aim)} unless told otherwise." if aim else ""
        lines.append(f"- **`{word}`** {schema['description']}{aimed}")
        lines += [
            f"  - `{name}` ({expected(field, schema)}; {_default(field)}) {field['description']}"
            for name, field in own.items()
        ]
    return "\n".join(lines)


def writers() -> str:
    """Each writer pattern with its docstring."""
    return _table(("writer", "what it does"), ((f"`{word}`", _doc(writer)) for word, writer in WRITERS.items()))


def anomalies() -> str:
    """Each kind of anomaly, as its checker puts it."""
    texts = ((kind, _doc(CHECKERS[kind])) for kind in ANOMALIES)
    return _table(("anomaly", "what it is"), ((f"`{kind}`", text[0].lower() + text[1:]) for kind, text in texts))


def handlers() -> str:
    """Each handler of the example pipelines with the first line of its docstring."""
    modules = ((file, ast.parse(file.read_text("utf-8"))) for file in sorted(HANDLERS.glob("*/*.py")))
    entries = [(f"`{file}`", _paragraph(ast.get_docstring(tree))) for file, tree in modules if _has_handler(tree)]
    typed = (file for file in sorted(HANDLERS.glob("*/*.ts")) if "export const handler" in file.read_text("utf-8"))
    entries += [(f"`{file}`", leading_comment(file)) for file in typed]
    return _table(("handler", "what it does with each record"), entries)


def scenarios() -> str:
    """Each shipped scenario with its question."""
    rows = []
    for file in sorted(SCENARIOS.glob("*.yaml")):
        variants = load(file, {}).variants
        rows.append((f"`{file}`", variants[0].scenario.question, str(len(variants))))
    return _table(("scenario", "question", "variants"), rows)


def _fields(root: Schema, part: Schema, prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, field in part["properties"].items():
        path = f"{prefix}{name}"
        if "$ref" in field and path not in _WHOLE:
            yield from _fields(root, root["$defs"][field["$ref"].rpartition("/")[2]], f"{path}.")
            continue
        either = [each["$ref"] for each in field.get("anyOf", ()) if "$ref" in each and path not in _WHOLE]
        members = field.get("additionalProperties")
        kind = "a list, see below" if path in _SEPARATE else expected(field, root)
        default = "required" if name in part.get("required", ()) else _default(field, "")
        yield f"`{path}`", kind, default, field["description"]
        for ref in either:
            yield from _fields(root, root["$defs"][ref.rpartition("/")[2]], f"{path}.")
        if isinstance(members, dict) and "$ref" in members and path not in _WHOLE:
            yield from _fields(root, root["$defs"][members["$ref"].rpartition("/")[2]], f"{path}.NAME.")


def _default(field: Schema, before: str = "default ") -> str:
    value = field.get("default")
    if value is None:
        return f"{before}none" if before else ""
    shown = value if isinstance(value, str) else json.dumps(value)
    return f"{before}`{shown}`"


def _doc(described: Any) -> str:
    return _paragraph(inspect.getdoc(described))


def _paragraph(docstring: str | None) -> str:
    return " ".join((docstring or "").strip().partition("\n\n")[0].split())


def _has_handler(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "handler" for node in tree.body)


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
