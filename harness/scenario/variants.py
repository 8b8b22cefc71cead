"""The matrix of a scenario: its dimensions, and one variant for each combination."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from harness.documents import Document
from harness.errors import (
    DocumentPath,
    Mistake,
    Mistakes,
    Problem,
    UserError,
    closest,
    nearest,
    parse_path,
    path_text,
    shown,
)
from harness.faults import FAULTS
from harness.models import Refusals, Schema, read
from harness.scenario import json_schema
from harness.scenario.expectation import Difference, Differs, Expectation, parse
from harness.scenario.fields import HERE
from harness.scenario.model import Scenario
from harness.schemas import mistakes, properties, schema_at, schema_of, unknown_key
from harness.verdict import ANOMALIES, INVALID

MATRIX = "matrix"
# The parts of a scenario that a matrix may set: how a variant runs, and not its name or what is expected of it.
VARIED = ("pipeline", "workload", "faults", "limits")
_FILES = (("pipeline", "handler"), ("pipeline", "template"))


class Dimension(NamedTuple):
    """`path` is where it sets its values; `values` are the names of its values, and where in the document they are."""

    path: DocumentPath
    values: dict[str, DocumentPath]


def dimensions(matrix: Any, schema: Schema) -> tuple[list[Dimension], list[Mistake]]:
    """The valid dimensions, and what is wrong with the others."""
    if not isinstance(matrix, dict):
        return [], [Mistake((MATRIX,), f"got {shown(matrix)}; expected paths into the scenario, each with its values")]
    valid: list[Dimension] = []
    mistakes: list[Mistake] = []
    for text, values in matrix.items():
        here = (MATRIX, text)
        try:
            path = existing_path(text, schema, VARIED)
            valid.append(Dimension(path, _named(values, path, here)))
        except Mistakes as error:
            mistakes += error.mistakes
        except ValueError as error:
            mistakes.append(Mistake(here, str(error), at_key=True))
    return valid, mistakes


def existing_path(text: str, schema: Schema, roots: Collection[str]) -> DocumentPath:
    """The path that a text stands for. Raises ValueError when a scenario has no such path below one of the roots."""
    path = parse_path(text)
    root = str(path[0])
    if root not in roots:
        raise ValueError(f"'{root}' is not a key to begin with. {nearest(root, roots)}")
    for length in range(1, len(path) + 1):
        if schema_at(schema, path[:length]) is None:
            keys = properties(schema_at(schema, path[: length - 1]), schema)
            if isinstance(path[length - 1], str) and keys:
                raise ValueError(unknown_key(path[:length], schema, "a scenario").message)
            raise ValueError(f"'{text}' leads to nothing: '{path[length - 1]}' has nothing to be a part of")
    return path


def with_value(document: Document, path: DocumentPath, value: Document) -> Document:
    """The document with a value set at an existing path. Raises ValueError where the document has another fault."""
    if path[0] != "faults" or len(path) <= 2:
        return document.with_part(path, value)
    entry, word = path[:2], path[2]
    try:
        fault = document.get(entry)
    except KeyError as error:
        raise ValueError(f"there is no {path_text(entry)}") from error
    present = next(iter(fault), None) if isinstance(fault, dict) else fault
    if not isinstance(present, str) or present not in FAULTS:
        return document  # not a fault: reported when the faults are read
    if present != word:
        raise ValueError(f"{path_text(entry)} is '{present}', not '{word}'")
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
        position = (*here, index)
        name = _name(value, path)
        if name is None:
            mistakes.append(Mistake(position, f"got {shown(value)}, which has no name: write {{name: value}}"))
        elif name in named:
            mistakes.append(Mistake(position, f"a second value is called '{name}': write {{name: value}} for the list"))
        else:
            named[name] = position
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


EXPECT, DIFFERS, CHECKERS = "expect", "differs", "checkers"
DEFAULT_NAME = "default"
MAX_VARIANTS = 1_000
_NOUN = "a scenario"


@dataclass(frozen=True, slots=True)
class Variant:
    """One cell of the matrix. `document` is what the user would have written for this cell alone.

    `differences` are by platform. `folders` are where its files and modules are looked for.
    """

    name: str
    scenario: Scenario
    expectation: Expectation
    document: Document
    differences: dict[str, Difference]
    folders: tuple[Path, ...]


def variants(document: Document, folders: Sequence[Path] = HERE) -> list[Variant]:
    """In the matrix's order, the last dimension fastest. Files are looked for in the folders.

    Raises UserError with every problem of every variant, each once, in the order of the file.
    """
    if not isinstance(document.value, dict):
        raise UserError([document.problem((), f"got {shown(document.value)}; expected a scenario, which is a mapping")])
    reading = _Reading(document, folders)
    cells = reading.cells()
    scenarios = {name: reading.scenario(cell) for name, cell in cells.items()}
    specs = reading.specs(list(cells))
    expected = {path: reading.expectation(path) for path in dict.fromkeys(specs.values())}
    differing = reading.differing(list(cells))
    reading.raise_problems()
    cells_read = []
    for name, cell in cells.items():
        scenario, expectation = scenarios[name], expected[specs[name]]
        assert scenario is not None
        assert expectation is not None
        cell = cell.with_part((EXPECT,), reading.part(specs[name]))
        differences: dict[str, Difference] = {}
        for platform, (path, difference) in differing[name].items():
            cell = cell.with_part((DIFFERS, platform, "*"), reading.part(path))
            differences[platform] = difference
        cells_read.append(Variant(name, scenario, expectation, cell, differences, tuple(folders)))
    return cells_read


class _Reading:
    """Reads the parts of a scenario, and collects every problem. A part that cannot be read is None or left out."""

    def __init__(self, document: Document, folders: Sequence[Path]) -> None:
        self._document = document
        self._folders = folders
        self._schema = json_schema()
        self._problems: list[Problem] = []
        self._parts: dict[DocumentPath, Document] = {}
        keys = self._schema["properties"]
        self._meant = {closest(key, keys) for key in document.value if key not in keys}
        self._dimensions, wrong = dimensions(document.value.get(MATRIX, {}), self._schema)
        self._add(document, wrong)
        # With a part of the matrix missing, variants have other names, and lack the values that it would have set.
        self._complete = not wrong and MATRIX not in self._meant

    def raise_problems(self) -> None:
        if self._problems:
            each_once = dict.fromkeys(self._problems)
            raise UserError(sorted(each_once, key=lambda problem: (problem.file, problem.line, problem.column)))

    def cells(self) -> dict[str, Document]:
        """The document of each variant by the variant's name, without matrix and expectations."""
        base = self._document.without(MATRIX, EXPECT, DIFFERS)
        count = prod(len(dimension.values) for dimension in self._dimensions)
        if count > MAX_VARIANTS:
            self._add(self._document, [Mistake((MATRIX,), f"makes {count} variants; at most {MAX_VARIANTS} are valid")])
            return {}
        cells: dict[str, Document] = {}
        for names in product(*(dimension.values for dimension in self._dimensions)):
            name = "/".join(names) or DEFAULT_NAME
            if name in cells:
                self._add(self._document, [Mistake((MATRIX,), f"two variants are called '{name}'")])
            cells[name] = self._cell(base, names)
        return cells

    def scenario(self, cell: Document) -> Scenario | None:
        try:
            scenario: Scenario = read(Scenario, cell.value, tuple(self._folders))
            return scenario
        except Refusals as error:
            self._add(cell, mistakes(error, self._schema, cell.value, _NOUN, self._complete))
            return None

    def specs(self, names: list[str]) -> dict[str, DocumentPath]:
        """Where in the document the expectation of each variant is."""
        if EXPECT not in self._document.value:
            if EXPECT not in self._meant:
                meaning = self._schema["properties"][EXPECT]["description"]
                self._add(self._document, [Mistake((), f"'{EXPECT}' is missing: {meaning}")])
            return {}
        expect = self._document.value[EXPECT]
        if not isinstance(expect, dict) or list(expect) == [INVALID]:
            return dict.fromkeys(names, (EXPECT,))
        specs: dict[str, DocumentPath] = {
            name: (EXPECT, pattern) for name in names if (pattern := _first_match(name, expect)) is not None
        }
        dead = [pattern for pattern in expect if (EXPECT, pattern) not in specs.values()]
        if self._complete:
            self._add(self._document, [_dead((EXPECT, pattern), names) for pattern in dead])
            meant = {closest(pattern, [*names, INVALID]) for pattern in dead}
            bare = [name for name in names if name not in specs and not meant & {name, INVALID}]
            messages = [f"variant '{name}' has no expectation. {nearest(name, expect)}" for name in bare]
            self._add(self._document, [Mistake((EXPECT,), message) for message in messages])
        return specs

    def expectation(self, path: DocumentPath) -> Expectation | None:
        try:
            expectation = parse(self._document.get(path))
        except Mistakes as error:
            self._add(self._document, [mistake.below(path) for mistake in error.mistakes])
            return None
        self._add(self._document, self._unlisted(expectation, path))
        return expectation

    def differing(self, names: list[str]) -> dict[str, dict[str, tuple[DocumentPath, Difference]]]:
        """The differences of each variant by platform, with where in the document they are."""
        differing: dict[str, dict[str, tuple[DocumentPath, Difference]]] = {name: {} for name in names}
        differs = self._document.value.get(DIFFERS)
        if not differs:
            return differing
        try:
            by_platform = read(Differs, differs)
        except Refusals as error:
            wrong = mistakes(error, schema_of(Differs), differs, DIFFERS)
            self._add(self._document, [mistake.below((DIFFERS,)) for mistake in wrong])
            return differing
        for platform in differs:
            patterns: dict[str, Difference] = getattr(by_platform, platform)
            matched = {name: pattern for name in names if (pattern := _first_match(name, patterns)) is not None}
            for name, pattern in matched.items():
                differing[name][platform] = ((DIFFERS, platform, pattern), patterns[pattern])
            for pattern, difference in patterns.items():
                if difference.expect:
                    place = (DIFFERS, platform, pattern, EXPECT)
                    self._add(self._document, self._unlisted(difference.expect, place))
            dead = [pattern for pattern in patterns if pattern not in matched.values()] if self._complete else []
            self._add(self._document, [_dead((DIFFERS, platform, pattern), names) for pattern in dead])
        return differing

    def _unlisted(self, expectation: Expectation, path: DocumentPath) -> list[Mistake]:
        """The kinds of anomaly that are expected, and that no checker looks for."""
        own = self._document.value.get(CHECKERS, [])
        if not isinstance(own, list) or CHECKERS in self._meant:
            return []
        kinds = [*ANOMALIES, *(word for word in own if isinstance(word, str))]
        unlisted = [count.kind for count in expectation.counts if count.kind not in kinds]
        return [
            Mistake((*path, INVALID, kind), f"'{kind}' is not in `checkers`. {nearest(kind, kinds)}", at_key=True)
            for kind in unlisted
        ]

    def part(self, path: DocumentPath) -> Document:
        """A part of the scenario's document. Most are parts of several variants."""
        if path not in self._parts:
            self._parts[path] = self._document.part(path)
        return self._parts[path]

    def _cell(self, base: Document, names: Sequence[str]) -> Document:
        for dimension, name in zip(self._dimensions, names, strict=True):
            position = dimension.values[name]
            try:
                base = with_value(base, dimension.path, self.part(position))
            except ValueError as error:
                if dimension.path[0] not in self._meant:
                    self._add(self._document, [Mistake(position[:2], str(error), at_key=True)])
        return base

    def _add(self, document: Document, mistakes: list[Mistake]) -> None:
        self._problems += [document.problem(each.path, each.message, each.at_key) for each in mistakes]


def _first_match(name: str, patterns: dict[str, Any]) -> str | None:
    return next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)


def _dead(path: DocumentPath, names: list[str]) -> Mistake:
    pattern = str(path[-1])
    if any(fnmatchcase(name, pattern) for name in names):
        return Mistake(path, f"'{pattern}' decides no variant: patterns before it match all of its own", at_key=True)
    valid = [*names, INVALID] if names == [DEFAULT_NAME] else names
    return Mistake(path, f"'{pattern}' matches no variant. {nearest(pattern, valid)}", at_key=True)
