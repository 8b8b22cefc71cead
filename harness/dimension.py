"""The dimensions of a matrix: which part of the scenario each one sets, and the values that it takes. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from harness.documents import Document
from harness.errors import DocumentPath, Mistake, Mistakes, nearest, parse_path, path_text, shown
from harness.faults import FAULTS
from harness.sentences import Schema, properties, schema_at, unknown_key

MATRIX = "matrix"
# What tells variants apart is how they run, not what they are called or what is expected of them.
VARIED = ("pipeline", "workload", "faults", "limits")
_FILES = (("pipeline", "handler"), ("pipeline", "template"))


@dataclass(frozen=True, slots=True)
class Dimension:
    """`path` is where it sets its values; `values` are the names of its values, and where in the document they are."""

    path: DocumentPath
    values: dict[str, DocumentPath]


def dimensions(matrix: Any, schema: Schema) -> tuple[list[Dimension], list[Mistake]]:
    """Those that make sense, and what is wrong with the others."""
    if not isinstance(matrix, dict):
        return [], [Mistake((MATRIX,), f"got {shown(matrix)}; expected paths into the scenario, each with its values")]
    found: list[Dimension] = []
    mistakes: list[Mistake] = []
    for text, values in matrix.items():
        here = (MATRIX, text)
        try:
            path = existing_path(text, schema, VARIED)
            found.append(Dimension(path, _named(values, path, here)))
        except Mistakes as error:
            mistakes += error.mistakes
        except ValueError as error:
            mistakes.append(Mistake(here, str(error), at_key=True))
    return found, mistakes


def existing_path(text: str, schema: Schema, roots: Collection[str]) -> DocumentPath:
    """The path that a text stands for. Raises ValueError when a scenario has no such path below one of the roots."""
    path = parse_path(text)
    root = str(path[0])
    if root not in roots:
        raise ValueError(f"'{root}' is not a key to begin with. {nearest(root, roots)}")
    for length in range(1, len(path) + 1):
        if schema_at(schema, path[:length]) is None:
            known = properties(schema_at(schema, path[: length - 1]), schema)
            if isinstance(path[length - 1], str) and known:
                raise ValueError(unknown_key(path[:length], schema, "a scenario").message)
            raise ValueError(f"'{text}' leads to nothing: '{path[length - 1]}' has nothing to be a part of")
    return path


def with_value(document: Document, path: DocumentPath, value: Document) -> Document:
    """The document with a value set at an existing path. Raises ValueError where the document has something else."""
    if path[0] != "faults" or len(path) <= 2:
        return document.with_part(path, value)
    entry, word = path[:2], path[2]
    try:
        fault = document.get(entry)
    except KeyError as error:
        raise ValueError(f"there is no {path_text(entry)}") from error
    there = next(iter(fault), None) if isinstance(fault, dict) else fault
    if there not in FAULTS:
        return document  # no fault: said when the faults are read
    if there != word:
        raise ValueError(f"{path_text(entry)} is '{there}', not '{word}'")
    if not isinstance(fault, dict):
        document = document.with_part(entry, Document({word: {}}, {}, {}))
    return document.with_part(path, value)


def _named(values: Any, path: DocumentPath, here: DocumentPath) -> dict[str, DocumentPath]:
    if not isinstance(values, list | dict) or not values:
        raise Mistakes([Mistake(here, f"got {shown(values)}; expected a list of values, or names with values")])
    if isinstance(values, dict):
        return {name: (*here, name) for name in values}
    named: dict[str, DocumentPath] = {}
    mistakes: list[Mistake] = []
    for index, value in enumerate(values):
        place = (*here, index)
        name = _name(value, path)
        if name is None:
            mistakes.append(Mistake(place, f"got {shown(value)}, which has no name: write {{name: value}}"))
        elif name in named:
            mistakes.append(Mistake(place, f"a second value is called '{name}': write {{name: value}} for the list"))
        else:
            named[name] = place
    if mistakes:
        raise Mistakes(mistakes)
    return named


def _name(value: Any, path: DocumentPath) -> str | None:
    if isinstance(value, list | dict):
        return None
    if isinstance(value, str) and path in _FILES:
        file, _, function = value.partition(":")
        return ".".join(filter(None, (PurePath(file).stem, function)))
    return str(value) if isinstance(value, str) else shown(value)
