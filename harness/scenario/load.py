"""A scenario file, read and checked: every variant of it, or every problem in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.documents import Document, parse
from harness.errors import DocumentPath, Problem, UserError, parse_path
from harness.scenario import json_schema
from harness.scenario.fields import find, folders
from harness.scenario.variants import MATRIX, Variant, existing_path, variants, with_value

_TEMPLATE = re.compile(rb'^(?:Resources:|AWSTemplateFormatVersion:| *"AWSTemplateFormatVersion" *:)', re.MULTILINE)


class Loaded(NamedTuple):
    """`file` is None for a scenario that no file holds. There is at least one variant."""

    scenario: str
    question: str
    file: Path | None
    variants: tuple[Variant, ...]


def load(path: Path | str, overrides: Mapping[str, str] | None = None) -> Loaded:
    """Overrides are texts by path, as `--set path=value` gives them: each value is YAML.

    Raises UserError with every problem, each at its line and column.
    """
    file = Path(path)
    try:
        text = find(str(path), (Path(),)).read_bytes()
    except ValueError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError([Problem(f"cannot be read: {error.strerror}", file=str(file))]) from error
    if _TEMPLATE.search(text):
        message = "is a CloudFormation template, and no scenario: a scenario names it as `pipeline.template`"
        raise UserError([Problem(f"{message}, and `python -m harness init FOLDER` writes one", file=str(file))])
    return _loaded(parse(text, str(file)), file, overrides or {})


def load_values(values: Mapping[str, Any], overrides: Mapping[str, str] | None = None) -> Loaded:
    """The same for a scenario that is a dict and no file: its problems have paths, but no lines."""
    return _loaded(Document.of(values), None, overrides or {})


def _loaded(document: Document, file: Path | None, overrides: Mapping[str, str]) -> Loaded:
    cells = variants(_overridden(document, overrides), folders(file))
    scenario = cells[0].scenario
    return Loaded(scenario.scenario, scenario.question, file, tuple(cells))


def _overridden(document: Document, overrides: Mapping[str, str]) -> Document:
    problems: list[Problem] = []
    for text, value in overrides.items():
        source = f"--set {text}={value}"
        try:
            path = _settable(text, document)
            document = with_value(document, path, Document.of(parse(value, source).value, source))
        except UserError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(Problem(str(error), file=source))
    if problems:
        raise UserError(problems)
    return document


def _settable(text: str, document: Document) -> DocumentPath:
    """Raises ValueError when there is no such path, or when the matrix would set it again."""
    schema = json_schema()
    path = existing_path(text, schema, [key for key in schema["properties"] if key != MATRIX])
    matrix = document.value.get(MATRIX) if isinstance(document.value, dict) else None
    for varied in matrix if isinstance(matrix, dict) else ():
        try:
            other = parse_path(varied)
        except ValueError:
            continue  # reported when the matrix is read
        if path[: len(other)] == other:
            raise ValueError(f"the matrix sets {varied}: choose a variant instead")
    return path
