"""The capacity that a call reports as consumed: of the table, and of each index.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil

from harness.dynamodb.store import StoredTable, View
from harness.dynamodb.values import Body, Item, size

READ_BYTES, WRITE_BYTES = 4096, 1024


@dataclass(slots=True)
class Consumed:
    """Units consumed at one table; `units` has those of the table by "" and those of the indexes by name."""

    table: StoredTable
    units: dict[str, float] = field(default_factory=dict)

    def add(self, view: str, units: float) -> Consumed:
        self.units[view] = self.units.get(view, 0.0) + units
        return self

    def report(self, wanted: str, kind: str = "") -> Body:
        """As the answer has it: the sum, and for INDEXES its parts; `kind` is Read or Write in a transaction."""
        report = {"TableName": self.table.name, **_units(sum(self.units.values()), kind)}
        if wanted == "INDEXES":
            report["Table"] = _units(self.units.get("", 0.0), kind)
            for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
                views = {
                    name: _units(units, kind)
                    for name, units in self.units.items()
                    if name and self.table.views[name].is_global is is_global
                }
                report |= {member: views} if views else {}
        return report


def _units(units: float, kind: str) -> Body:
    return {"CapacityUnits": units, **({f"{kind}CapacityUnits": units} if kind else {})}


def of_read(size_read: int, consistent: bool, transactional: bool = False) -> float:
    units = max(ceil(size_read / READ_BYTES), 1)
    return units * (2.0 if transactional else 1.0 if consistent else 0.5)


def of_write(table: StoredTable, before: Item | None, after: Item | None, factor: float) -> Mapping[str, float]:
    """Units of one write, by view: of the larger image, and of each index entry that is written or taken away."""
    larger = max(size(image) if image else 0 for image in (before, after))
    units = {"": factor * _write_units(larger)}
    for view in table.indexes:
        changed = _index_units(view, before, after)
        if changed:
            units[view.name] = factor * changed
    return units


def _write_units(length: int) -> int:
    return max(ceil(length / WRITE_BYTES), 1)


def _index_units(view: View, before: Item | None, after: Item | None) -> int:
    old = view.copy(before) if before and view.entry(before) else None
    new = view.copy(after) if after and view.entry(after) else None
    if old == new:
        return 0
    if old and new and view.entry(old) != view.entry(new):
        return _write_units(size(old)) + _write_units(size(new))  # the entry moves
    return _write_units(max(size(image) for image in (old, new) if image))


def reported(body: Body, consumed: Callable[[], Consumed]) -> Body:
    """The ConsumedCapacity of a call on one table, if it is asked for."""
    return {name: told[0] for name, told in reported_each(body, lambda: [consumed()]).items()}


def reported_each(body: Body, consumed: Callable[[], Iterable[Consumed]], kind: str = "") -> Body:
    """The same of a call on several tables."""
    wanted = body.get("ReturnConsumedCapacity", "NONE")
    return {} if wanted == "NONE" else {"ConsumedCapacity": [each.report(wanted, kind) for each in consumed()]}
