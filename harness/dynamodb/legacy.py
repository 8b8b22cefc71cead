"""The older parameters, which came before the expressions: Expected, filters, KeyConditions and AttributeUpdates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from harness.dynamodb.expressions import Condition, Placeholders, Selection
from harness.dynamodb.grammar import Action, Call
from harness.dynamodb.updates import Update
from harness.dynamodb.updates import update_of as compiled
from harness.dynamodb.values import (
    INVALID,
    LONG_NAMES,
    SCALARS,
    SETS,
    Body,
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
_CALLS = {
    **{"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "BETWEEN": "BETWEEN", "IN": "IN"},
    **{"NULL": "attribute_not_exists", "NOT_NULL": "attribute_exists"},
    **{"CONTAINS": "contains", "BEGINS_WITH": "begins_with"},
}
_ACTIONS = ("ADD", "DELETE", "PUT")


class Comparison(NamedTuple):
    """One comparison of one attribute. The operator is one of the API: EQ, NOT_CONTAINS, …"""

    name: str
    operator: str
    values: tuple[Value, ...] = ()


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


def condition(parts: Sequence[Comparison], operator: str = "AND") -> Condition:
    """That all of them hold, or with OR any: the same as an expression would say."""
    scope = Placeholders()
    trees = tuple([_tree(scope, part) for part in parts])
    return scope.condition("comparison", Call(operator, trees) if len(trees) > 1 else trees[0])


def _tree(scope: Placeholders, part: Comparison) -> Call:
    operands = (scope.name((part.name,)), *[scope.literal(value) for value in part.values])
    if part.operator == "NOT_CONTAINS":  # of an attribute that is there
        return Call(
            "AND", (Call("attribute_exists", operands[:1], True), Call("NOT", (Call("contains", operands, True),)))
        )
    called = _CALLS[part.operator]
    return Call(called, operands, is_function=called.islower())


def joined(parts: Sequence[Comparison], operator: str | None) -> Condition | None:
    """By the ConditionalOperator; None where there is nothing to compare."""
    if operator is not None and len(parts) < 2:
        if not parts:
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
    return condition(parts, operator or "AND") if parts else None


def attributes_to_get(names: Sequence[str]) -> Selection:
    """Top-level attributes, whatever their names look like."""
    check_names(names)
    for index, name in enumerate(names):
        if name in names[:index]:
            raise invalid(f"{INVALID}Duplicate value in attribute name: {name}")
    return Selection.of((name,) for name in names)


def update_of(updates: Mapping[str, Any]) -> Update:
    """The update of AttributeUpdates: what an expression would say with the same actions."""
    check_names(updates)
    scope = Placeholders()
    return replace(
        compiled(scope, tuple([_action(scope, name, each) for name, each in updates.items()])),
        creates=not updates or any(each.get("Action", "PUT") != "DELETE" for each in updates.values()),
        mismatch="Type mismatch for attribute to update",
    )


def _action(scope: Placeholders, name: str, update: Body) -> Action:
    action, target = update.get("Action", "PUT"), scope.name((name,))
    if action not in _ACTIONS:
        raise invalid(
            f"1 validation error detected: Value '{action}' at 'attributeUpdates.{name}.member.action' failed to "
            f"satisfy constraint: Member must satisfy enum value set: [{', '.join(_ACTIONS)}]"
        )
    if update.get("Value") is None:
        if action != "DELETE":
            raise invalid(f"{INVALID}Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", target)
    value = checked(update["Value"])
    kind = type_of(value)
    if action == "DELETE" and kind not in SETS:
        raise invalid(f"{INVALID}DELETE action with value is not supported for the type {LONG_NAMES[kind]}")
    if action == "ADD" and kind not in ("N", "L", *SETS):
        raise invalid(f"{INVALID}ADD action is not supported for the type {LONG_NAMES[kind]}")
    operand = scope.literal(value)
    if action == "ADD" and kind == "L":
        before = Call("if_not_exists", (target, scope.literal({"L": []})), is_function=True)
        return Action("SET", target, Call("list_append", (before, operand), is_function=True))
    return Action("SET" if action == "PUT" else action, target, operand)
