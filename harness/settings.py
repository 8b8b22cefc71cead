"""Reads the properties of a template's resources, and collects what is wrong with them and what is not imitated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.errors import DocumentPath, NotImitated, Problem, UserError, nearest
from harness.intrinsics import NO_VALUE
from harness.names import Names
from harness.resources import Settings

S = TypeVar("S", bound=Settings)
T = TypeVar("T")


def properties(logical_id: str, *settings: str) -> DocumentPath:
    return ("Resources", logical_id, "Properties", *settings)


class SettingsReader:
    """Goes on after a problem as long as what is left can be read: the user gets all of them at once."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.not_imitated: list[str] = []
        self._problems: list[Problem] = []

    def add(self, place: DocumentPath, message: str) -> None:
        self._problems.append(self.names.document.problem(place, message))

    def set_aside(self, place: DocumentPath, message: str) -> None:
        self.not_imitated.append(str(self.names.document.problem(place, message)))

    def raise_problems(self) -> None:
        if self._problems:
            raise UserError(self._problems)

    def each(self, type: str, read: Callable[[str], T]) -> list[T]:
        """What is read from every resource of a type, those left out that cannot be read."""
        found = []
        for logical_id in self.names.of_type(type):
            try:
                found.append(read(logical_id))
            except UserError as error:
                self._problems += error.problems
            except NotImitated as error:
                self.not_imitated.append(str(error))
        return found

    def read(self, logical_id: str, model: type[S]) -> S:
        """The properties of a resource, resolved and checked. Raises UserError, NotImitated."""
        known = [str(field.alias) for field in model.model_fields.values()]
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        unknown_values: dict[str, NotImitated] = {}
        for name in self.names.document.at(properties(logical_id)) or {}:
            place = properties(logical_id, name)
            if name in known:
                try:
                    values[name] = self.names.resolver.resolve(place)
                except UserError as error:
                    problems += error.problems
                except NotImitated as error:
                    unknown_values[name] = error
            elif name not in model.ignored:
                message = f"{name} of a {self.names.types[logical_id]} is not imitated."
                self.set_aside(place, f"{message} {nearest(name, (*known, *model.ignored))}")
        if problems:
            raise UserError(problems)
        return self._validated(logical_id, model, values, unknown_values)

    def _validated(
        self, logical_id: str, model: type[S], values: dict[str, Any], unknown_values: dict[str, NotImitated]
    ) -> S:
        try:
            settings = model.model_validate({name: value for name, value in values.items() if value is not NO_VALUE})
        except ValidationError as error:
            details = error.errors(include_url=False)
            for detail in details:
                if detail["loc"] and detail["loc"][0] in unknown_values:
                    raise unknown_values[str(detail["loc"][0])] from error
            raise UserError(
                self.names.document.problem((*properties(logical_id), *detail["loc"]), _message(detail))
                for detail in details
            ) from error
        self.not_imitated += [str(error) for error in unknown_values.values()]
        return settings


def _message(detail: Any) -> str:
    """What is wrong, and what was given, where that is one word."""
    own = "Value error, "
    message = str(detail["msg"])
    message = message.removeprefix(own) if message.startswith(own) else message[0].lower() + message[1:]
    given = detail["input"]
    says_it = message.startswith("got ") or not isinstance(given, str | int | float)
    return message if says_it else f"{message}, not {given!r}"
