"""The roles of a template's resources: what they are to a run, as the scenario, the template or the mapping says."""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from harness import resources
from harness.errors import DocumentPath, Problem, UserError, nearest
from harness.names import Names
from harness.settings import SettingsReader
from harness.stack import LEDGER, ROLES, SOURCE, VIEW
from harness.stores import DataStream, Queue, Table

R = TypeVar("R", Table, Queue, DataStream)
SINKS = "pipeline.sinks"  # where a scenario says what its template leaves open
_MESSAGES = (resources.QUEUE, resources.BUCKET, resources.TOPIC)


class Roles:
    """`sinks` are the roles that the scenario gives, by logical id: they come before the template's."""

    def __init__(self, template: Path, names: Names, settings: SettingsReader, sinks: Values[str, str]) -> None:
        self._template = template
        self._names = names
        self._settings = settings
        self._sinks = sinks

    def of(self, logical_id: str) -> str | None:
        if logical_id in self._sinks:
            return self._sinks[logical_id]
        role: str | None = self._names.document.at(_place(logical_id))
        type = self._names.types[logical_id]
        if role is not None and role not in ROLES:
            self._settings.add(_place(logical_id), f"'{role}' is not a role. {nearest(role, ROLES)}")
        elif type == resources.DATA_STREAM and role not in (None, SOURCE):
            self._settings.add(_place(logical_id), f"a Kinesis stream can only be the '{SOURCE}', not '{role}'")
        elif role in (SOURCE, VIEW) and type not in (resources.TABLE, resources.DATA_STREAM):
            told = f"only a table can be '{role}'; a sink of another kind is a '{LEDGER}'"
            self._settings.add(_place(logical_id), told)
        return role

    def placed(self, resource: R, is_mapped: bool, role: str) -> R:
        """The mapping says what is the source, and which queue takes what failed."""
        place = _place(resource.logical_id)
        if is_mapped and resource.role not in (None, role):
            self._settings.add(place, f"is '{resource.role}', but for the mapping it is '{role}'")
        if resource.role == role and not is_mapped:
            self._settings.add(place, f"is '{role}', but the mapping does not use it so")
        return replace(resource, role=role) if is_mapped else resource

    def refuse_views(self, tables: list[Table]) -> None:
        """A view is compared with the items of the source, and a Kinesis stream has none."""
        for table in tables:
            if table.role == VIEW:
                told = f"is a '{VIEW}' of a table's items, and the source is a Kinesis stream: make it a '{LEDGER}'"
                self._settings.add(_place(table.logical_id), told)

    def refuse_strange_sinks(self) -> None:
        """Raises UserError for what the scenario names and the template does not have."""
        tables = self._names.of_type(resources.TABLE)
        known = [*tables, *(name for type in _MESSAGES for name in self._names.of_type(type))]
        strange = [
            Problem(f"'{name}' is no table, queue, bucket or topic of {self._template}. {nearest(name, known)}", place)
            for name in self._sinks
            if (place := f"{SINKS}.{name}") and name not in known
        ]
        strange += [
            Problem(f"only a table can be '{VIEW}'; a sink of another kind is a '{LEDGER}'", f"{SINKS}.{name}.role")
            for name, role in self._sinks.items()
            if role == VIEW and name in known and name not in tables
        ]
        if strange:
            raise UserError(strange)


def _place(logical_id: str) -> DocumentPath:
    return ("Resources", logical_id, "Metadata", "harness", "role")
