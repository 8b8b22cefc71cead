"""A scenario's text as plain values, with the place of every key and value in its file.

Only JSON's types come out. Words are YAML 1.2's: `on` and `yes` are texts, and so are dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import yaml

from harness.errors import Problem, UserError

DocumentPath = tuple[str | int, ...]
# A file that holds more can only be aliases of aliases.
MAX_VALUES = 20_000
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")


def path_text(path: DocumentPath) -> str:
    """As in `faults[0].lose_reply.call`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def parse_path(text: str) -> DocumentPath:
    """The opposite of path_text. Raises ValueError."""
    steps = list(_STEP.finditer(text))
    if text.startswith(".") or not steps or "".join(step[0] for step in steps) != text:
        raise ValueError(f"'{text}' is not a path such as workload.writer or faults[0].crash.when")
    return tuple(int(step[2]) if step[2] else step[1] for step in steps)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written; line 0 where there is no file. `path` is its path in what the user wrote."""

    file: str
    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True)
class Document:
    """`keys` and `values` are places by path. Parts of several documents can be put together into one."""

    value: Any
    keys: dict[DocumentPath, Place] = field(repr=False)
    values: dict[DocumentPath, Place] = field(repr=False)

    @staticmethod
    def of(values: Any, file: str = "") -> Document:
        """A document that no file holds. Raises UserError for what YAML could not hold."""
        document = Document(_plain(values, ()), {}, {})
        for path in _paths(document.value, ()):
            document.values[path] = Place(file, 0, 0, path_text(path))
        return document

    def get(self, path: DocumentPath) -> Any:
        """Raises KeyError when there is nothing at the path."""
        value = self.value
        for step in path:
            inside = step < len(value) if isinstance(step, int) and isinstance(value, list) else _is_key(step, value)
            if not inside:
                raise KeyError(path)
            value = value[step]
        return value

    def problem(self, path: DocumentPath, message: str, at_key: bool = False) -> Problem:
        """At the path's value (or key), or at the nearest part around it that was written."""
        places = self.keys if at_key and path in self.keys else self.values
        around = (path[:length] for length in range(len(path), -1, -1))
        place = next((places[part] for part in around if part in places), Place("", 0, 0, path_text(path)))
        return Problem(message, place.path, place.file, place.line, place.column)

    def placed(self, problem: Problem) -> Problem:
        """A problem that names a path of this document and no file, at the line where that path stands."""
        return self.problem(parse_path(problem.path), problem.message, at_key=True) if _of_path(problem) else problem

    def without(self, *keys: str) -> Document:
        """Leaves out some keys of the outermost mapping."""
        return Document(
            {key: value for key, value in self.value.items() if key not in keys},
            {path: place for path, place in self.keys.items() if path[0] not in keys},
            {path: place for path, place in self.values.items() if not path or path[0] not in keys},
        )

    def part(self, path: DocumentPath) -> Document:
        """The document of what stands at the path. Raises KeyError."""
        return Document(self.get(path), _below(self.keys, path), _below(self.values, path))

    def with_part(self, path: DocumentPath, part: Document) -> Document:
        """Another document with a part put at the path; mappings on the way are made, lists must be there.

        Raises ValueError where the way leads through something else.
        """
        keys = _outside(self.keys, path) | {(*path, *rest): place for rest, place in part.keys.items()}
        values = _outside(self.values, path) | {(*path, *rest): place for rest, place in part.values.items()}
        return Document(_put(self.value, path, part.value, ()), keys, values)


def parse(text: str | bytes, file: str) -> Document:
    """Raises UserError with every problem: a syntax error, a key that is given twice, a value of another type."""
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return Document.of(None, file) if node is None else _Reading(file).document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        sentence = ", ".join(part for part in (error.context, error.problem) if part)
        raise UserError([Problem(f"is not YAML: {sentence}", "", file, line, column)]) from error
    except yaml.reader.ReaderError as error:
        raise UserError([Problem(f"is not YAML: {error.reason} at position {error.position}", file=file)]) from error
    except RecursionError as error:
        raise UserError([Problem("is nested too deeply, or holds itself", file=file)]) from error
    finally:
        if loader:
            loader.dispose()


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - the attribute that PyYAML reads


_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, tuple[str, str]] = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+", "-+0123456789"),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
}
for _type, (_pattern, _first) in _WORDS.items():
    firsts = [*_first, ""] if _type == "null" else list(_first)
    _Loader.add_implicit_resolver(_TAG + _type, re.compile(f"^(?:{_pattern})$"), firsts)
_SCALARS: dict[str, Callable[[str], Any]] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": float,
}


class _Reading:
    """From YAML's nodes to values and places."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._keys: dict[DocumentPath, Place] = {}
        self._values: dict[DocumentPath, Place] = {}

    def document(self, node: yaml.Node) -> Document:
        value = self._read(node, ())
        if self._problems:
            raise UserError(self._problems)
        return Document(value, self._keys, self._values)

    def _read(self, node: yaml.Node, path: DocumentPath) -> Any:
        if len(self._values) >= MAX_VALUES:
            raise UserError([Problem(f"holds more than {MAX_VALUES} values", file=self._file)])
        self._values[path] = self._place(node, path)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: DocumentPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, path, "a key is a text")
                continue
            key = str(key_node.value)
            if key in mapping:
                self._refuse(key_node, (*path, key), f"'{key}' is given twice: {self._before(path, key)}")
                continue
            self._keys[*path, key] = self._place(key_node, (*path, key))
            mapping[key] = self._read(value_node, (*path, key))
        return mapping

    def _scalar(self, node: yaml.Node, path: DocumentPath) -> Any:
        type = node.tag.removeprefix(_TAG)
        if type == "str":
            return node.value
        if type not in _SCALARS:
            self._refuse(node, path, f"tag {node.tag.replace(_TAG, '!!')} has no meaning here")
            return None
        try:
            value = _SCALARS[type](node.value)
        except ValueError:
            value = float("nan")
        if isinstance(value, float) and not isfinite(value):
            self._refuse(node, path, f"{str(node.value)[:40]} is too large a number")
        return value

    def _before(self, path: DocumentPath, key: str) -> str:
        return f"first in line {self._keys[*path, key].line}"

    def _refuse(self, node: yaml.Node, path: DocumentPath, message: str) -> None:
        place = self._place(node, path)
        self._problems.append(Problem(message, place.path, place.file, place.line, place.column))

    def _place(self, node: yaml.Node, path: DocumentPath) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1, path_text(path))


def _of_path(problem: Problem) -> bool:
    return bool(problem.path) and not problem.file


def _is_key(step: str | int, value: Any) -> bool:
    return isinstance(step, str) and isinstance(value, dict) and step in value


def _plain(value: Any, path: DocumentPath) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, (*path, str(key))) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, (*path, index)) for index, inner in enumerate(value)]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise UserError(
        [
            Problem(
                f"got {value!r}; a scenario holds texts, finite numbers, true, false, null, lists and mappings",
                path_text(path),
            )
        ]
    )


def _paths(value: Any, path: DocumentPath) -> list[DocumentPath]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, part in inner for found in _paths(part, (*path, step)))]


def _below(places: dict[DocumentPath, Place], path: DocumentPath) -> dict[DocumentPath, Place]:
    return {other[len(path) :]: place for other, place in places.items() if other[: len(path)] == path}


def _outside(places: dict[DocumentPath, Place], path: DocumentPath) -> dict[DocumentPath, Place]:
    return {other: place for other, place in places.items() if other[: len(path)] != path}


def _put(value: Any, path: DocumentPath, part: Any, above: DocumentPath) -> Any:
    if not path:
        return part
    step, *rest = path
    if isinstance(step, int):
        if not isinstance(value, list) or step >= len(value):
            raise ValueError(f"there is no {path_text((*above, step))}")
        return [
            _put(inner, tuple(rest), part, (*above, step)) if index == step else inner
            for index, inner in enumerate(value)
        ]
    if not isinstance(value, dict | None):
        raise ValueError(f"{path_text(above)} is not a mapping")
    mapping = value or {}
    return mapping | {step: _put(mapping.get(step), tuple(rest), part, (*above, step))}
