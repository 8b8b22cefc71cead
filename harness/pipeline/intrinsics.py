"""CloudFormation's intrinsic functions: which names a value mentions, and what `!Ref`, `!Sub` and the others stand for.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from harness.documents import Document
from harness.errors import DocumentPath, NotImitated, UserError, nearest

_MENTIONED = re.compile(r"\$\{([^!.}]+)")


def mentioned(value: Any, key: str = "") -> Iterator[str]:
    """The names that stand where a resource may be named."""
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from mentioned(inner, inner_key)
    elif isinstance(value, list):
        for element in value[:1] if key == "Fn::GetAtt" else value:
            yield from mentioned(element, key)
    elif isinstance(value, str) and key in ("Ref", "DependsOn"):
        yield value
    elif isinstance(value, str) and key == "Fn::GetAtt":
        yield value.partition(".")[0]
    elif isinstance(value, str) and key == "Fn::Sub":
        yield from _MENTIONED.findall(value)


NO_VALUE = object()  # what AWS::NoValue stands for: the template does not have this setting
_MISFIT = object()  # the argument of a function does not have the shape that it takes
_FUNCTION_NAME = re.compile(r"(Ref|Condition|Fn::.*)$")
_DYNAMIC = re.compile(r"\{\{resolve:([^{}]*)\}\}")
_VARIABLE = re.compile(r"\$\{(!?)([^${}]*)\}")


class Resolver:
    """`ref` and `attribute` answer for the names in a template, or raise LookupError with a sentence that says why not.

    Raises UserError, or NotImitated where AWS would find a value and we cannot; both say file, line and column.
    """

    def __init__(self, document: Document, ref: Callable[[str], Any], attribute: Callable[[str, str], Any]) -> None:
        self.document = document
        self._ref = ref
        self._attribute = attribute
        self.made_up: dict[str, str] = {}  # values that only AWS knows, each with where it stands and what it is
        self._pending: list[DocumentPath] = []

    def resolve(self, path: DocumentPath) -> Any:
        """The value at a path of the document, NO_VALUE for AWS::NoValue. None where the document has nothing."""
        if path in self._pending:
            self._refuse(path, "refers to itself")
        self._pending.append(path)
        try:
            return self._value(self.document.at(path), path)
        finally:
            self._pending.pop()

    def condition(self, name: str, path: DocumentPath) -> bool:
        """Whether a condition of the template holds. `path` is where the template refers to it."""
        conditions = self.document.at(("Conditions",)) or {}
        if name not in conditions:
            self._refuse(path, f"'{name}' is not a condition. {nearest(name, conditions)}")
        holds = self.resolve(("Conditions", name))
        if not isinstance(holds, bool):
            self._refuse(("Conditions", name), f"a condition is true or false, not {holds!r}")
        return holds

    def _value(self, value: Any, path: DocumentPath) -> Any:
        match value:
            case str() if "{{resolve:" in value:
                return _DYNAMIC.sub(lambda match: self.make_up(match[0], match[1], path), value)
            case list():
                items = [self._value(item, (*path, index)) for index, item in enumerate(value)]
                return [item for item in items if item is not NO_VALUE]
            case dict() if len(value) == 1 and _FUNCTION_NAME.match(name := next(iter(value))):
                return self._call(name, value[name], path)
            case dict():
                settings = {key: self._value(item, (*path, key)) for key, item in value.items()}
                return {key: item for key, item in settings.items() if item is not NO_VALUE}
        return value

    def make_up(self, what: str, name: str, path: DocumentPath | None = None) -> str:
        """A value for what only AWS knows, made of the last word of its name. path: where it stands."""
        words = re.findall(r"[A-Za-z0-9_.]*[A-Za-z][A-Za-z0-9_.]*", name)
        value = f"made-up-{words[-1] if words else 'value'}"
        sentence = f"{what} is {value!r} here, which is made up"
        self.made_up.setdefault(what, sentence if path is None else str(self.document.problem(path, sentence)))
        return value

    def _call(self, name: str, argument: Any, path: DocumentPath) -> Any:
        path = (*path, name)
        if name in _ELSEWHERE:
            outside = self._value(argument, path)
            return self.make_up(f"{name} of {text(outside)}", text(outside), path)
        if name in _NOT_IMITATED:
            raise NotImitated(str(self.document.problem(path, f"{name} is not imitated")))
        if name not in _FUNCTIONS:
            self._refuse(path, f"'{name}' is not a function. {nearest(name, _FUNCTIONS)}")
        function, shape = _FUNCTIONS[name]
        value = function(self, argument, path)
        if value is _MISFIT:
            self._refuse(path, f"{name} takes {shape}, not {argument!r}")
        return value

    def _look_up(self, path: DocumentPath, find: Callable[..., Any], *names: str) -> Any:
        try:
            return find(*names)
        except LookupError as error:
            self._refuse(path, str(error))
        except NotImitated as error:
            raise NotImitated(str(self.document.problem(path, str(error)))) from error

    def _refuse(self, path: DocumentPath, message: str) -> NoReturn:
        raise UserError([self.document.problem(path, message)])

    def _get_ref(self, argument: Any, path: DocumentPath) -> Any:
        if argument == "AWS::NoValue":
            return NO_VALUE
        return self._look_up(path, self._ref, argument) if isinstance(argument, str) else _MISFIT

    def _get_attribute(self, argument: Any, path: DocumentPath) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else self._value(argument, path)
        match parts:
            case [str(name), str(attribute)]:
                return self._look_up(path, self._attribute, name, attribute)
        return _MISFIT

    def _substitute(self, argument: Any, path: DocumentPath) -> Any:
        match argument:
            case str(pattern):
                variables = {}
            case [str(pattern), dict()]:
                variables = self._value(argument[1], (*path, 1))
            case _:
                return _MISFIT

        def replace(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{match[2]}}}"
            if name in variables:
                return text(variables[name])
            resolve = self._get_attribute if "." in name else self._get_ref
            return text(resolve(name, path))

        return _VARIABLE.sub(replace, pattern)

    def _join(self, argument: Any, path: DocumentPath) -> Any:
        match self._value(argument, path):
            case [str(delimiter), list(values)]:
                return delimiter.join(map(text, values))
        return _MISFIT

    def _split(self, argument: Any, path: DocumentPath) -> Any:
        match self._value(argument, path):
            case [str(delimiter), str(whole)] if delimiter:
                return whole.split(delimiter)
        return _MISFIT

    def _select(self, argument: Any, path: DocumentPath) -> Any:
        match self._value(argument, path):
            case [int() | str() as index, list(values)] if str(index).isdecimal() and int(index) < len(values):
                return values[int(index)]
        return _MISFIT

    def _if(self, argument: Any, path: DocumentPath) -> Any:
        match argument:
            case [str(name), _, _]:
                chosen = 1 if self.condition(name, path) else 2
                return self._value(argument[chosen], (*path, chosen))
        return _MISFIT

    def _find_in_map(self, argument: Any, path: DocumentPath) -> Any:
        keys = self._value(argument, path)
        if not isinstance(keys, list) or len(keys) != 3:
            return _MISFIT
        value = self.document.at(("Mappings",)) or {}
        for key in map(str, keys):
            if not isinstance(value, dict) or key not in value:
                names = value if isinstance(value, dict) else ()
                self._refuse(path, f"'{key}' is not in Mappings. {nearest(key, names)}")
            value = value[key]
        return value

    def _base64(self, argument: Any, path: DocumentPath) -> Any:
        value = self._value(argument, path)
        return base64.b64encode(value.encode()).decode() if isinstance(value, str) else _MISFIT

    def _equals(self, argument: Any, path: DocumentPath) -> Any:
        match self._value(argument, path):
            case [left, right]:
                return text(left) == text(right)
        return _MISFIT

    def _and(self, argument: Any, path: DocumentPath) -> Any:
        values = self._value(argument, path)
        return all(values) if _are_conditions(values) else _MISFIT

    def _or(self, argument: Any, path: DocumentPath) -> Any:
        values = self._value(argument, path)
        return any(values) if _are_conditions(values) else _MISFIT

    def _not(self, argument: Any, path: DocumentPath) -> Any:
        values = self._value(argument, path)
        return not values[0] if _are_conditions(values) and len(values) == 1 else _MISFIT

    def _condition(self, argument: Any, path: DocumentPath) -> Any:
        return self.condition(argument, path) if isinstance(argument, str) else _MISFIT


def _are_conditions(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, bool) for value in values)


def text(value: Any) -> str:
    """How CloudFormation writes a number or a truth value where a text is due."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_FUNCTIONS: dict[str, tuple[Callable[[Resolver, Any, DocumentPath], Any], str]] = {
    "Condition": (Resolver._condition, "the name of a condition"),
    "Fn::And": (Resolver._and, "[conditions]"),
    "Fn::Base64": (Resolver._base64, "a text"),
    "Fn::Equals": (Resolver._equals, "[value, value]"),
    "Fn::FindInMap": (Resolver._find_in_map, "[map, key, key]"),
    "Fn::GetAtt": (Resolver._get_attribute, "[logical id, attribute]"),
    "Fn::If": (Resolver._if, "[condition, value if true, value if false]"),
    "Fn::Join": (Resolver._join, "[delimiter, [values]]"),
    "Fn::Not": (Resolver._not, "[condition]"),
    "Fn::Or": (Resolver._or, "[conditions]"),
    "Fn::Select": (Resolver._select, "[index, [values]]"),
    "Fn::Split": (Resolver._split, "[delimiter, text]"),
    "Fn::Sub": (Resolver._substitute, "a text, or [text, {variable: value}]"),
    "Ref": (Resolver._get_ref, "the name of a parameter or resource"),
}
_ELSEWHERE = ("Fn::ImportValue", "Fn::GetStackOutput")
_NOT_IMITATED = ("Fn::Cidr", "Fn::ForEach", "Fn::GetAZs", "Fn::Length", "Fn::ToJsonString", "Fn::Transform")
