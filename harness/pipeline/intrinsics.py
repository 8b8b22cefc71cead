"""CloudFormation's intrinsic functions, and what the names in them stand for: parameters, resources with attributes.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Values
from typing import Any, NoReturn

from harness.documents import Document
from harness.errors import DocumentPath, NotImitated, UserError, nearest
from harness.pipeline.resources import ACCOUNT, BUCKET, PARTITION, REGION, RESOURCE_TYPES, arn

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
_VARIABLE = re.compile(r"\$\{(!?)([^${}]*)\}")


class Resolver:
    """`ref` and `attribute` answer for the names in a template, or raise LookupError with a sentence that says why not.

    Raises UserError, or NotImitated where AWS would find a value and we cannot; both say file, line and column.
    """

    def __init__(self, document: Document, ref: Callable[[str], Any], attribute: Callable[[str, str], Any]) -> None:
        self.document = document
        self._ref = ref
        self._attribute = attribute
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
                raise NotImitated(str(self.document.problem(path, "dynamic references are not imitated")))
            case list():
                items = [self._value(item, (*path, index)) for index, item in enumerate(value)]
                return [item for item in items if item is not NO_VALUE]
            case dict() if len(value) == 1 and _FUNCTION_NAME.match(name := next(iter(value))):
                return self._call(name, value[name], path)
            case dict():
                settings = {key: self._value(item, (*path, key)) for key, item in value.items()}
                return {key: item for key, item in settings.items() if item is not NO_VALUE}
        return value

    def _call(self, name: str, argument: Any, path: DocumentPath) -> Any:
        path = (*path, name)
        if name in _ELSEWHERE:
            self._refuse(path, f"{name} takes a value from outside the template: give it as a parameter")
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


_OF_SSM = "AWS::SSM::Parameter::Value"


class Scope:
    """`types` are the types of the resources that exist, by logical id: those whose condition holds.

    Raises UserError when the document is not a template, or does not have one of the parameters.
    """

    def __init__(self, document: Document, stack_name: str, parameters: Values[str, str]) -> None:
        self.document = document
        self.stack_name = stack_name
        self.resolver = Resolver(document, self.ref, self.attribute)
        _check(document)
        self._declared: dict[str, Any] = document.at(("Parameters",)) or {}
        unknown = [name for name in parameters if name not in self._declared]
        if unknown:
            raise UserError(
                document.problem(("Parameters",), f"'{name}' is not a parameter. {nearest(name, self._declared)}")
                for name in unknown
            )
        self.parameters = {
            name: text(parameters.get(name, declared.get("Default")))
            for name, declared in self._declared.items()
            if name in parameters or "Default" in declared
        }
        self._pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NotificationARNs": [],
            "AWS::Partition": PARTITION,
            "AWS::Region": REGION,
            "AWS::StackId": arn("cloudformation", f"stack/{stack_name}/{stack_name}"),
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.types: dict[str, str] = {}  # empty while conditions are evaluated: they cannot refer to resources
        self.types = self._existing()

    def _existing(self) -> dict[str, str]:
        types = {}
        for logical_id, resource in self.document.value["Resources"].items():
            condition = resource.get("Condition")
            path = ("Resources", logical_id, "Condition")
            if condition is None or self.resolver.condition(condition, path):
                types[logical_id] = resource["Type"]
        return types

    def of_type(self, type: str) -> list[str]:
        return [logical_id for logical_id, other in self.types.items() if other == type]

    def ref(self, name: str) -> Any:
        """The value of `Ref`. Raises LookupError, or NotImitated where only AWS knows it."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._declared:
            return self._parameter(name)
        if name not in self.types:
            names = (*self._pseudo, *self._declared, *self.types)
            raise LookupError(f"'{name}' is neither a parameter nor a resource. {nearest(name, names)}")
        return self._attributes(name)["Ref"]

    def attribute(self, logical_id: str, name: str) -> str:
        """The value of `Fn::GetAtt`. Raises LookupError, or NotImitated where only AWS knows it."""
        if logical_id not in self.types:
            raise LookupError(f"'{logical_id}' is not a resource. {nearest(logical_id, self.types)}")
        attributes = self._attributes(logical_id)
        keys = [key for key in attributes if key != "Ref"]
        if name not in keys:
            raise LookupError(f"'{name}' is not an attribute of {self.types[logical_id]}. {nearest(name, keys)}")
        if name == "StreamArn" and not self.document.at(("Resources", logical_id, "Properties", "StreamSpecification")):
            raise LookupError(f"'{logical_id}' has no stream: give it a StreamSpecification")
        return attributes[name]

    def physical(self, logical_id: str) -> str:
        """The name in the template; without one, it is made of the stack's name and the logical id."""
        properties = ("Resources", logical_id, "Properties")
        name_property = RESOURCE_TYPES[self.types[logical_id]].name_property
        name = self.resolver.resolve((*properties, name_property))
        if name is not None and name is not NO_VALUE:
            return str(name)
        ending = ".fifo" if self.resolver.resolve((*properties, "FifoQueue")) in (True, "true") else ""
        name = f"{self.stack_name}-{logical_id}{ending}"
        return name.lower() if self.types[logical_id] == BUCKET else name  # S3 takes no capital letters

    def _attributes(self, logical_id: str) -> dict[str, str]:
        type = self.types[logical_id]
        if type not in RESOURCE_TYPES:
            raise NotImitated(f"the names of {logical_id}, a {type}, are not imitated")
        name = self.physical(logical_id)
        return {key: pattern.format(name) for key, pattern in RESOURCE_TYPES[type].attributes.items()}

    def _parameter(self, name: str) -> str | list[str]:
        type = str(self._declared[name].get("Type", "String"))
        if type.startswith(_OF_SSM):
            raise NotImitated(f"parameters of type {type} are not imitated")
        if name not in self.parameters:
            raise LookupError(f"parameter '{name}' has no default, and no value was given")
        value = self.parameters[name]
        return [part.strip() for part in value.split(",")] if "List" in type else value


def _check(document: Document) -> None:
    """Raises UserError unless the document has the shape of a template; the rest of this class relies on it."""
    if not isinstance(document.value, dict) or not isinstance(document.at(("Resources",)), dict):
        raise UserError([document.problem((), "is not a CloudFormation template: it has no Resources")])
    problems = [
        document.problem(("Resources", logical_id), "is not a resource: it has no Type")
        for logical_id, resource in document.value["Resources"].items()
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str)
    ]
    for section in ("Parameters", "Conditions", "Mappings"):
        entries = document.at((section,)) or {}
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            problems.append(document.problem((section,), f"{section} maps names to their settings"))
    if problems:
        raise UserError(problems)
