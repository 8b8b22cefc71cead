"""The older parameters, which came before the expressions: Expected, filters, KeyConditions and AttributeUpdates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.dynamodb.conditions import begins_with, contains
from harness.dynamodb.paths import branches
from harness.dynamodb.updates import REMOVED, Act, Update, added, deleted
from harness.dynamodb.values import (
    INVALID,
    SCALARS,
    SETS,
    Body,
    Item,
    Value,
    check_names,
    checked,
    compare,
    invalid,
    type_of,
)

_TYPES: dict[str, tuple[str, ...] | None] = {  # of the values of an operator; None for all
    **dict.fromkeys(("EQ", "NE", "NULL", "NOT_NULL")),
    **dict.fromkeys(("LE", "LT", "GE", "GT", "BETWEEN", "IN", "CONTAINS", "NOT_CONTAINS"), SCALARS),
    "BEGINS_WITH": ("S", "B"),
}
_COUNTS = {"NULL": (0, 0), "NOT_NULL": (0, 0), "IN": (1, 100), "BETWEEN": (2, 2)}
_ORDERS = {"LT": (-1,), "LE": (-1, 0), "GT": (1,), "GE": (1, 0)}
_ACTIONS = ("ADD", "DELETE", "PUT")
_LONG_NAMES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "L": "LIST", "M": "MAP", "BOOL": "BOOLEAN", "NULL": "NULL"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of one attribute. The operator is one of the API: EQ, NOT_CONTAINS, …"""

    name: str
    operator: str
    values: tuple[Value, ...] = ()

    def holds(self, item: Item) -> bool:
        value = item.get(self.name)
        if self.operator in ("NULL", "NOT_NULL"):
            return (value is None) is (self.operator == "NULL")
        if self.operator == "NE":
            return value is None or value != self.values[0]
        if value is None:
            return False
        if self.operator in ("EQ", "IN"):
            return value in self.values
        if self.operator == "BETWEEN":
            return compare(value, self.values[0]) in (0, 1) and compare(value, self.values[1]) in (-1, 0)
        (sought,) = self.values
        if self.operator in _ORDERS:
            return compare(value, sought) in _ORDERS[self.operator]
        if self.operator == "BEGINS_WITH":
            return begins_with(value, sought)
        return contains(value, sought) is (self.operator == "CONTAINS")


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Several of them, of which all have to hold, or any."""

    each: tuple[Comparison, ...]
    any_is_enough: bool

    def holds(self, item: Item | None) -> bool:
        held = [comparison.holds(item or {}) for comparison in self.each]
        return any(held) if self.any_is_enough else all(held)

    @property
    def paths(self) -> tuple[tuple[str | int, ...], ...]:
        return tuple((comparison.name,) for comparison in self.each)


def comparison(name: str, operator: str | None, listed: Sequence[Any]) -> Comparison:
    """Raises Rejected for values that the operator does not take."""
    values = tuple(checked(value) for value in listed)
    if operator is None or operator not in _TYPES:
        raise invalid(
            f"1 validation error detected: Value '{operator}' at 'comparisonOperator' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(_TYPES)}]"
        )
    fewest, most = _COUNTS.get(operator, (1, 1))
    if not fewest <= len(values) <= most:
        raise invalid(f"{INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
    if len({type_of(value) for value in values}) > 1:
        raise invalid(f"{INVALID}AttributeValues inside AttributeValueList must be of same type")
    for value in values:
        if type_of(value) not in (_TYPES[operator] or (type_of(value),)):
            kind = type_of(value)
            raise invalid(f"{INVALID}ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if operator == "BETWEEN" and compare(values[0], values[1]) == 1:
        problem = "the lower bound is greater than the upper bound"
        raise invalid(f"The BETWEEN condition was provided a range where {problem}")
    return Comparison(name, operator, values)


def filters(conditions: Mapping[str, Any]) -> tuple[Comparison, ...]:
    """Of KeyConditions, QueryFilter and ScanFilter."""
    return tuple(
        comparison(name, each.get("ComparisonOperator"), each.get("AttributeValueList") or ())
        for name, each in conditions.items()
    )


def expected(conditions: Mapping[str, Any]) -> tuple[Comparison, ...]:
    return tuple(_expected(name, each) for name, each in conditions.items())


def _expected(name: str, condition: Body) -> Comparison:
    value, listed = condition.get("Value"), condition.get("AttributeValueList")
    operator, exists = condition.get("ComparisonOperator"), condition.get("Exists")
    if value is not None and listed is not None:
        raise invalid(f"{INVALID}Value and AttributeValueList cannot be used together for Attribute: {name}")
    if operator is not None:
        if exists is not None:
            raise invalid(f"{INVALID}Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        if value is None and listed is None and operator not in ("NULL", "NOT_NULL"):
            problem = f"Value or AttributeValueList must be used with ComparisonOperator: {operator}"
            raise invalid(f"{INVALID}{problem} for Attribute: {name}")
        return comparison(name, operator, [value] if value is not None else listed or ())
    if listed is not None:
        raise invalid(f"{INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is not False and value is None:
        spelled = "null" if exists is None else "true"
        raise invalid(f"{INVALID}Value must be provided when Exists is {spelled} for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise invalid(f"{INVALID}Value cannot be used when Exists is false for Attribute: {name}")
        return Comparison(name, "NULL")
    return Comparison(name, "EQ", (checked(value),))


def comparisons(parts: tuple[Comparison, ...], operator: str | None) -> Comparisons | None:
    """Joined by the ConditionalOperator; None where there is nothing to compare."""
    if operator is not None:
        if not parts:
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        if len(parts) == 1:
            problem = "when Filter or Expected has two or more elements"
            raise invalid(f"ConditionalOperator can only be used {problem}")
    return Comparisons(parts, operator == "OR") if parts else None


def attributes_to_get(names: Sequence[str]) -> Any:
    """Top-level attributes, whatever their names look like. The tree of a projection."""
    check_names(names)
    for index, name in enumerate(names):
        if name in names[:index]:
            raise invalid(f"{INVALID}Duplicate value in attribute name: {name}")
    return branches((name,) for name in names)


def update_of(updates: Mapping[str, Any]) -> Update:
    """The update of AttributeUpdates. Alone with DELETE it makes no item, as an expression with REMOVE."""
    check_names(updates)
    acts: list[tuple[tuple[str | int, ...], Act]] = []
    creates = not updates
    literal: Item = {}
    for name, each in updates.items():
        action = each.get("Action", "PUT")
        if action not in _ACTIONS:
            raise invalid(
                f"1 validation error detected: Value '{action}' at 'attributeUpdates.{name}.member.action' failed to "
                f"satisfy constraint: Member must satisfy enum value set: [{', '.join(_ACTIONS)}]"
            )
        value = None if each.get("Value") is None else checked(each["Value"])
        _check_action(action, value)
        acts.append(((name,), _act(name, action, value)))
        creates |= action != "DELETE"
        if value is not None and action != "DELETE":
            literal[name] = value
    return Update(tuple(acts), creates, {}, literal)


def _check_action(action: str, value: Value | None) -> None:
    if value is None:
        if action != "DELETE":
            raise invalid(f"{INVALID}Only DELETE action is allowed when no attribute value is specified")
        return
    kind = type_of(value)
    if action == "DELETE" and kind not in SETS:
        raise invalid(f"{INVALID}DELETE action with value is not supported for the type {_LONG_NAMES[kind]}")
    if action == "ADD" and kind not in ("N", "L", *SETS):
        raise invalid(f"{INVALID}ADD action is not supported for the type {_LONG_NAMES[kind]}")


def _act(name: str, action: str, value: Value | None) -> Act:
    def act(before: Item, values: Any) -> Any:
        if value is None:
            return REMOVED
        if action == "PUT":
            return value
        current = before.get(name)
        if current is not None and type_of(value) not in current:
            raise invalid("Type mismatch for attribute to update")
        if "L" in value:
            return {"L": [*(current or value)["L"], *(value["L"] if current else ())]}
        combine = added if action == "ADD" else deleted
        return combine(current, value)

    return act
