"""A template's text as values, with the place of every setting in its file: CloudFormation's YAML, and JSON.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from harness.errors import Problem, UserError

Place = tuple[str | int, ...]
TEMPLATES = ("template.yaml", "template.yml", "template.json")  # what a template is called, unless it is named
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content, short forms (`!Ref x`) written out as long ones, and where each part of it stands.

    Whoever wants it otherwise makes a copy: one document serves all who load the same text.
    """

    file: str
    content: Any
    marks: dict[Place, tuple[int, int]]

    def problem(self, place: Place, message: str) -> Problem:
        """At the place, or at the nearest part around it that stands in the file."""
        around = (place[:length] for length in range(len(place), -1, -1))
        line, column = next(self.marks[part] for part in around if part in self.marks)
        return Problem(message, ".".join(map(str, place)), self.file, line, column)

    def at(self, place: Place, default: Any = None) -> Any:
        value = self.content
        for key in place:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return default
        return value


def load(path: Path) -> Document:
    """Raises UserError when there is no such file, or when it is neither YAML nor JSON."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError([Problem(f"cannot be read: {error}", file=str(path))]) from error
    return _document(str(path), text)


@lru_cache(maxsize=16)
def _document(file: str, text: str) -> Document:
    """Every variant of a scenario has the same template, and reading YAML is slow."""
    if text.lstrip().startswith("{"):  # in JSON a tab is space, and in YAML an error
        text = text.replace("\t", " ")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        marks: dict[Place, tuple[int, int]] = {(): (1, 1)}
        return Document(file, loader.plain(node, (), marks) if node else None, marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise UserError([Problem(error.problem or str(error), "", file, line, column)]) from error
    except yaml.YAMLError as error:
        raise UserError([Problem(str(error), file=file)]) from error


def in_json(value: Any) -> Any:
    """A copy with `Fn::GetAtt` as JSON wants it, which SAM and LocalStack 4.14 want too: as a list, not as a text."""
    if isinstance(value, list):
        return [in_json(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: inner.split(".", 1) if key == "Fn::GetAtt" and isinstance(inner, str) else in_json(inner)
        for key, inner in value.items()
    }


class _Loader(yaml.SafeLoader):
    """CloudFormation's YAML has neither aliases nor timestamps: a date is a string in it."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the attribute that PyYAML reads
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="CloudFormation allows no YAML aliases", problem_mark=mark)
        return super().compose_node(parent, index)

    def plain(self, node: yaml.Node, place: Place, marks: dict[Place, tuple[int, int]]) -> Any:
        marks.setdefault(place, _position(node))
        if not node.tag.startswith("!"):
            return self._content(node, place, marks)
        name = node.tag[1:] if node.tag in ("!Ref", "!Condition") else f"Fn::{node.tag[1:]}"
        return {name: self._content(node, (*place, name), marks)}

    def _content(self, node: yaml.Node, place: Place, marks: dict[Place, tuple[int, int]]) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*place, index), marks) for index, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return node.value if node.tag.startswith("!") else self.construct_object(node)
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is a text", problem_mark=key_node.start_mark)
            if key in content:
                raise yaml.MarkedYAMLError(problem=f"'{key}' is given twice", problem_mark=key_node.start_mark)
            marks[(*place, key)] = _position(key_node)
            content[key] = self.plain(value_node, (*place, key), marks)
        return content


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
