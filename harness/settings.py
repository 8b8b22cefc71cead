"""Reads the properties of a template's resources, and collects what is wrong with them and what is not imitated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.errors import DocumentPath, NotImitated, Problem, UserError, nearest
from harness.intrinsics import NO_VALUE
from harness.names import Scope
from harness.resources import Properties

P = TypeVar("P", bound=Properties)
T = TypeVar("T")


def properties(logical_id: str, *names: str) -> DocumentPath:
    return ("Resources", logical_id, "Properties", *names)


class PropertiesReader:
    """Goes on after a problem, so that the user gets all problems at once.

    `not_imitated` says what the embedded platform must refuse.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.not_imitated: list[str] = []
        self._problems: list[Problem] = []

    def add(self, path: DocumentPath, message: str) -> None:
        self._problems.append(self.scope.document.problem(path, message))

    def set_aside(self, path: DocumentPath, message: str) -> None:
        self.not_imitated.append(str(self.scope.document.problem(path, message)))

    def raise_problems(self) -> None:
        if self._problems:
            raise UserError(self._problems)

    def each(self, type: str, read: Callable[[str], T]) -> list[T]:
        """Reads every resource of a type. One that cannot be read is left out, and its problem is collected."""
        values = []
        for logical_id in self.scope.of_type(type):
            try:
                values.append(read(logical_id))
            except UserError as error:
                self._problems += error.problems
            except NotImitated as error:
                self.not_imitated.append(str(error))
        return values

    def read(self, logical_id: str, model: type[P]) -> P:
        """The properties of a resource, resolved and checked. Raises UserError, NotImitated."""
        aliases = [str(field.alias) for field in model.model_fields.values()]
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        unknown_values: dict[str, NotImitated] = {}
        for name in self.scope.document.at(properties(logical_id)) or {}:
            path = properties(logical_id, name)
            if name in aliases:
                try:
                    values[name] = self.scope.resolver.resolve(path)
                except UserError as error:
                    problems += error.problems
                except NotImitated as error:
                    unknown_values[name] = error
            elif name not in model.ignored:
                message = f"{name} of a {self.scope.types[logical_id]} is not imitated."
                self.set_aside(path, f"{message} {nearest(name, (*aliases, *model.ignored))}")
        if problems:
            raise UserError(problems)
        return self._validated(logical_id, model, values, unknown_values)

    def _validated(
        self, logical_id: str, model: type[P], values: dict[str, Any], unknown_values: dict[str, NotImitated]
    ) -> P:
        try:
            read = model.model_validate({name: value for name, value in values.items() if value is not NO_VALUE})
        except ValidationError as error:
            details = error.errors(include_url=False)
            for detail in details:
                if detail["loc"] and detail["loc"][0] in unknown_values:
                    raise unknown_values[str(detail["loc"][0])] from error
            raise UserError(
                self.scope.document.problem((*properties(logical_id), *detail["loc"]), _message(detail))
                for detail in details
            ) from error
        self.not_imitated += [str(error) for error in unknown_values.values()]
        return read


def _message(detail: Any) -> str:
    """What is wrong, and the value, where that is one word and the message does not say it."""
    prefix = "Value error, "
    message = str(detail["msg"])
    message = message.removeprefix(prefix) if message.startswith(prefix) else message[0].lower() + message[1:]
    value = detail["input"]
    is_complete = message.startswith("got ") or not isinstance(value, str | int | float)
    return message if is_complete else f"{message}, not {value!r}"
