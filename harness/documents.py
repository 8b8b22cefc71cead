"""YAML documents, with the place in the file of every key and value: scenarios, items, and CloudFormation templates.

Two dialects are read. A scenario has the words of YAML 1.2, so that `on`, `yes` and dates are texts. A template has
CloudFormation's short forms, and no aliases; a date is a text in it too.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from harness.errors import DocumentPath, Problem, UserError, parse_path, path_text, shown

TEMPLATES = ("template.yaml", "template.yml", "template.json")  # the usual names of a template
_MAX_SIZE = 1_048_576  # of a file, in bytes: a template's limit at CloudFormation
_TAG = "tag:yaml.org,2002:"
# Where PyYAML's two parsers may differ in what they accept, or in where it is: control characters and line breaks of
# other systems; `!` and `?` in unusual places; a comment that touches an indicator; an empty value before a bracket.
_SURROGATE = re.compile("[\ud800-\udfff]")
_DISPUTED = re.compile(
    rb"[\x00-\x09\x0b-\x1f\x7f\xfe\xff]|\xc2\x85|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|[^\n]\Z"
    rb"|!(?![A-Za-z:]+[ \n])|\?(?!\n)|[|>][-+0-9]*#|:\s+[],}]"
)


class Place(NamedTuple):
    """A position in a file; line 0 where there is no file. `path` is set for a part that was moved: where it was."""

    file: str
    line: int
    column: int
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A value of JSON's types. `places` has the place of each value by its path, and `keys` that of each key.

    A template's problems are shown at the keys, so its `places` are those of the keys where there are keys.
    Parts of several documents can be combined into one. A document is shared: change a copy of its value only.
    """

    value: Any
    keys: dict[DocumentPath, Place] = field(repr=False)
    places: dict[DocumentPath, Place] = field(repr=False)

    @staticmethod
    def of(values: Any, file: str = "") -> Document:
        """A document without a text. Raises UserError for what YAML could not hold."""
        paths: list[DocumentPath] = []
        value = _json_value(values, (), paths)
        return Document(value, {}, dict.fromkeys(paths, Place(file, 0, 0)))

    def get(self, path: DocumentPath) -> Any:
        """The value at the path. Raises KeyError when there is none."""
        value = self.value
        for step in path:
            steps = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
            if step not in steps:
                raise KeyError(path)
            value = value[step]
        return value

    def at(self, path: DocumentPath) -> Any:
        """The value at the path, or None when there is none."""
        try:
            return self.get(path)
        except KeyError:
            return None

    def problem(self, path: DocumentPath, message: str, at_key: bool = False) -> Problem:
        """At the path's value (or key), or at the nearest part around it that has a place."""
        places = self.keys if at_key and path in self.keys else self.places
        around = (path[:length] for length in range(len(path), -1, -1))
        place = next((places[part] for part in around if part in places), Place("", 0, 0))
        written = path_text(path) if place.path is None else place.path
        return Problem(message, written, place.file, place.line, place.column)

    def placed(self, problem: Problem) -> Problem:
        """A problem that names a path of this document and no file, at the line of that path."""
        if problem.file or not problem.path:
            return problem
        return self.problem(parse_path(problem.path), problem.message, at_key=True)

    def without(self, *names: str) -> Document:
        """Leaves out some keys of the outermost mapping."""
        return Document(
            {name: value for name, value in self.value.items() if name not in names},
            {path: place for path, place in self.keys.items() if path[0] not in names},
            {path: place for path, place in self.places.items() if not path or path[0] not in names},
        )

    def part(self, path: DocumentPath) -> Document:
        """The part at the path as a document, whose places remember where it was. Raises KeyError."""
        keys, places = (
            {
                each[len(path) :]: place._replace(path=path_text(each)) if place.path is None else place
                for each, place in all_places.items()
                if each[: len(path)] == path
            }
            for all_places in (self.keys, self.places)
        )
        return Document(self.get(path), keys, places)

    def with_part(self, path: DocumentPath, part: Document) -> Document:
        """Another document with a part put at the path. Creates missing mappings on the way, but no lists.

        Raises ValueError where a step of the path leads into a value of another type.
        """
        keys, places = (
            {each: place for each, place in outside.items() if each[: len(path)] != path}
            | {(*path, *rest): place for rest, place in inside.items()}
            for outside, inside in ((self.keys, part.keys), (self.places, part.places))
        )
        return Document(_put(self.value, path, part.value, ()), keys, places)


def parse(text: str | bytes, file: str) -> Document:
    """A scenario, or a list of items. `file` is its name in problems.

    Raises UserError with every problem: a syntax error, a key that is given twice, a value of another type.
    """
    return _document(text, file, _ScenarioLoader)


def load_template(path: Path) -> Document:
    """A template in YAML or JSON. Raises UserError when there is no such file, or when it is neither."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError([Problem(f"cannot be read: {error}", file=str(path))]) from error
    return _template(text, str(path))


@lru_cache(maxsize=16)
def _template(text: bytes, file: str) -> Document:
    """Every variant of a scenario has the same template, and reading YAML is slow."""
    if text.lstrip().startswith(b"{"):  # JSON allows tabs between values, YAML does not
        text = text.replace(b"\t", b" ")
    document = _document(text, file, _TemplateLoader)
    return Document(document.value, {}, document.places | document.keys)


class _Loader(Composer, SafeConstructor, Resolver):
    """Reads values and places from the events of a parser. What the two dialects have in common."""

    max_values = 100_000  # CloudFormation takes 500 resources

    def __init__(self, parser: Any, file: str) -> None:
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.check_event, self.peek_event, self.get_event = parser.check_event, parser.peek_event, parser.get_event
        self.file = file
        self._nodes = 0
        self._problems: list[Problem] = []
        self._keys: dict[DocumentPath, Place] = {}
        self._places: dict[DocumentPath, Place] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > self.max_values:
            raise UserError([_problem(self.peek_event().start_mark, self._too_many, self.file)])
        return super().compose_node(parent, index)

    @property
    def _too_many(self) -> str:
        return f"holds more than {self.max_values} values"

    def document(self) -> Document:
        node = self.get_single_node()
        if node is None:
            return Document.of(None, self.file)
        value = self._value(node, ())
        if self._problems:
            raise UserError(self._problems)
        return Document(value, self._keys, self._places)

    def _value(self, node: yaml.Node, path: DocumentPath) -> Any:
        if len(self._places) >= self.max_values:
            raise UserError([_problem(node.start_mark, self._too_many, self.file)])
        self._places[path] = self._place(node)
        return self._content(node, path)

    def _content(self, node: yaml.Node, path: DocumentPath) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: DocumentPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, path, "a key is a text")
                continue
            key = self._text(key_node, path)
            if key in mapping:
                first = self._keys[*path, key].line
                self._refuse(key_node, (*path, key), f"'{key}' is given twice: first in line {first}")
                continue
            self._keys[*path, key] = self._place(key_node)
            mapping[key] = self._value(value_node, (*path, key))
        return mapping

    def _scalar(self, node: yaml.Node, path: DocumentPath) -> Any:
        if node.tag not in self.yaml_constructors:
            self._refuse(node, path, f"tag {node.tag.replace(_TAG, '!!')} has no meaning here")
            return None
        try:
            value = self.construct_object(node)
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # PyYAML checks no more than the form
            if isinstance(error, ValueError) and node.tag in (_TAG + "int", _TAG + "float"):
                value = float("nan")
            else:
                self._refuse(node, path, f"{shown(str(node.value))} is no {node.tag.removeprefix(_TAG)}")
                return None
        if isinstance(value, float) and not isfinite(value):
            self._refuse(node, path, f"{str(node.value)[:40]} is too large a number")
        return self._text(node, path) if isinstance(value, str) else value

    def _text(self, node: yaml.Node, path: DocumentPath) -> str:
        """Its text, in which the two escapes that JSON has for one character have become that character."""
        text = str(node.value)
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16") if _SURROGATE.search(text) else text
        except UnicodeDecodeError:
            self._refuse(node, path, f"{shown(text)} holds half a character: a surrogate without its other half")
            return ""

    def _refuse(self, node: yaml.Node, path: DocumentPath, message: str) -> None:
        self._problems.append(_problem(node.start_mark, message, self.file, path))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


class _ScenarioLoader(_Loader):
    """The words of YAML 1.2, and no types but JSON's."""

    max_values = 20_000  # more can only be aliases of aliases
    yaml_implicit_resolvers = {}  # noqa: RUF012 - the attribute that PyYAML reads
    yaml_constructors = {  # noqa: RUF012
        _TAG + "null": yaml.SafeLoader.construct_yaml_null,
        _TAG + "bool": yaml.SafeLoader.construct_yaml_bool,
        _TAG + "int": lambda loader, node: int(node.value),
        _TAG + "float": lambda loader, node: float(node.value),
        _TAG + "str": yaml.SafeLoader.construct_yaml_str,
    }


for _type, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
):
    _ScenarioLoader.add_implicit_resolver(_TAG + _type, re.compile(f"^(?:{_pattern})$"), _first)


class _TemplateLoader(_Loader):
    """CloudFormation's YAML has neither aliases nor timestamps; `!Ref x` is short for `Ref: x`."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TAG + "timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()
            raise UserError([_problem(event.start_mark, "CloudFormation allows no YAML aliases", self.file)])
        return super().compose_node(parent, index)

    def _content(self, node: yaml.Node, path: DocumentPath) -> Any:
        if not node.tag.startswith("!"):
            return super()._content(node, path)
        name = node.tag[1:] if node.tag in ("!Ref", "!Condition") else f"Fn::{node.tag[1:]}"
        is_text = isinstance(node, yaml.ScalarNode)
        return {name: node.value if is_text else super()._content(node, (*path, name))}


def _document(text: str | bytes, file: str, loader_class: type[_Loader]) -> Document:
    """libyaml's parser takes a tenth of the time of PyYAML's own. It reads what both surely read alike."""
    if len(text) > _MAX_SIZE:
        raise UserError([Problem(f"has {len(text)} bytes; at most {_MAX_SIZE} are read", file=file, line=1)])
    if isinstance(text, bytes) and yaml.__with_libyaml__ and not _DISPUTED.search(text):
        with suppress(yaml.YAMLError, RecursionError):  # the parser in Python says what is wrong
            return loader_class(yaml.CSafeLoader(text), file).document()
    parser = None
    try:
        parser = yaml.SafeLoader(text)
        return loader_class(parser, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"is not YAML: {', '.join(part for part in (error.context, error.problem) if part)}"
        raise UserError([_problem(mark, message, file) if mark else Problem(message, file=file)]) from error
    except yaml.reader.ReaderError as error:
        line = 1 + _newlines(text, error.position)
        problem = Problem(f"is not YAML: {error.reason} at position {error.position}", file=file, line=line)
        raise UserError([problem]) from error
    except (RecursionError, ValueError) as error:  # PyYAML makes a character of any number
        what = "is nested too deeply, or holds itself" if isinstance(error, RecursionError) else f"is not YAML: {error}"
        raise UserError([_problem(parser.get_mark(), what, file) if parser else Problem(what, file=file)]) from error


def _newlines(text: str | bytes, position: int) -> int:
    before = text[:position]
    return before.count("\n") if isinstance(before, str) else before.count(b"\n")


def _problem(mark: yaml.Mark, message: str, file: str, path: DocumentPath = ()) -> Problem:
    return Problem(message, path_text(path), file, mark.line + 1, mark.column + 1)


def _json_value(value: Any, path: DocumentPath, paths: list[DocumentPath]) -> Any:
    """A copy of JSON's types; appends the path of every part."""
    paths.append(path)
    if isinstance(value, Mapping):
        return {str(key): _json_value(inner, (*path, str(key)), paths) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(inner, (*path, index), paths) for index, inner in enumerate(value)]
    if isinstance(value, str) and _SURROGATE.search(value):
        raise UserError([Problem(f"{shown(value)} holds half a character: a surrogate", path_text(path))])
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return value
    message = f"got {value!r}; a scenario holds texts, finite numbers, true, false, null, lists and mappings"
    raise UserError([Problem(message, path_text(path))])


def _put(value: Any, path: DocumentPath, part: Any, above: DocumentPath) -> Any:
    if not path:
        return part
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(value, list) or step >= len(value):
            raise ValueError(f"there is no {path_text((*above, step))}")
        return [*value[:step], _put(value[step], rest, part, (*above, step)), *value[step + 1 :]]
    if not isinstance(value, dict | None):
        raise ValueError(f"{path_text(above)} is not a mapping")
    return {**(value or {}), step: _put((value or {}).get(step), rest, part, (*above, step))}
