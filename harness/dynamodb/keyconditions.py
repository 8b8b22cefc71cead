"""Key conditions: which partition a query reads, and which part of its order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from harness.dynamodb import grammar, keys, legacy
from harness.dynamodb.conditions import Compiler
from harness.dynamodb.expressions import Condition, Pairs, Placeholders
from harness.dynamodb.grammar import Call, Literal, Name
from harness.dynamodb.legacy import Comparison
from harness.dynamodb.store import Key, Primary
from harness.dynamodb.values import INVALID, invalid, type_of

OPERATORS = {
    **{"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"},
    **{"BETWEEN": "BETWEEN", "begins_with": "BEGINS_WITH"},
}
_MIRRORED = {"=": "EQ", "<": "GT", "<=": "GE", ">": "LT", ">=": "LE"}
_PARTS = ". All HASH elements, and the RANGE elements before the last one that is named, need an equality condition"
_WHERE = "Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: "


class KeyConditions(NamedTuple):
    """The comparisons, and whether all of them hold."""

    each: Sequence[Comparison]
    holds: Condition

    @staticmethod
    def of(each: Sequence[Comparison]) -> KeyConditions:
        if not each:
            raise invalid("Conditions must be at least length 1")
        return KeyConditions(each, legacy.condition(each))


def of_expression(scope: Placeholders, text: str) -> KeyConditions:
    """What a KeyConditionExpression says. Raises Rejected."""
    holds = scope.condition("KeyConditionExpression", text)
    each = [
        Comparison(name, operator, tuple([scope.values[placeholder] for placeholder in placeholders]))
        for name, operator, placeholders in _plan(text, scope.pairs[0])
    ]
    return KeyConditions(each, holds)


@lru_cache(maxsize=4096)
def _plan(text: str, names: Pairs) -> list[tuple[str, str, list[str]]]:
    """Of each comparison the attribute, the operator of the older API, and the placeholders of its values."""
    resolve = Compiler(dict(names), {})
    plans: dict[str, tuple[str, str, list[str]]] = {}
    for call in conjuncts(grammar.condition(text)):
        plan = _planned(call, resolve)
        if plan[0] in plans:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        plans[plan[0]] = plan
    return list(plans.values())


def conjuncts(tree: Call) -> list[Call]:
    """What all has to hold."""
    return [part for operand in tree.operands for part in conjuncts(operand)] if tree.operator == "AND" else [tree]


def _planned(call: Call, resolve: Compiler) -> tuple[str, str, list[str]]:
    if call.operator not in OPERATORS:
        raise invalid(f"Invalid operator used in KeyConditionExpression: {call.operator}")
    if any(isinstance(operand, Call) for operand in call.operands):
        raise invalid("KeyConditionExpressions cannot contain nested operations")
    names = [operand for operand in call.operands if isinstance(operand, Name)]
    literals = [operand for operand in call.operands if isinstance(operand, Literal)]
    mirrored = not isinstance(call.operands[0], Name)
    if mirrored and call.operator in ("BETWEEN", "begins_with"):
        raise invalid(f"{_WHERE}{call.operator} operator must have the key attribute as its first operand")
    if len(names) > 1:
        raise invalid(f"{_WHERE}Multiple attribute names used in one condition")
    if not names:
        raise invalid(f"{_WHERE}No key attribute specified")
    path = resolve.path(names[0])
    if len(path) > 1:
        raise invalid("KeyConditionExpressions cannot have conditions on nested attributes")
    operator = (_MIRRORED if mirrored else OPERATORS)[call.operator]
    return str(path[0]), operator, [literal.placeholder for literal in literals]


def partition_of(comparisons: Sequence[Comparison], key: Key) -> Primary:
    """The contents of the partition key. Raises Rejected for what is no condition on this key.

    All attributes of a partition key have to be equal to something. Of those of a sort key the first ones may be named,
    and all but the last of these have to be equal to something too.
    """
    rule = _PARTS if len(key.names) > 2 else ""
    if len(comparisons) > max(2, len(key.names)):
        raise invalid("Conditions can be of length 1 or 2 only")
    by_name = {comparison.name: comparison for comparison in comparisons}
    named: list[Comparison] = []
    for position, (name, kind) in enumerate(zip(key.names, key.types, strict=True)):
        condition = by_name.get(name)
        if condition is None:
            if position < key.partition or len(named) < len(comparisons):
                raise invalid(f"Query condition missed key schema element: {name}{rule}")
            break
        _check_one(condition, kind, rule, position < key.partition or len(named) + 1 < len(comparisons))
        named.append(condition)
    if len(comparisons) > len(named):
        raise invalid(f"Query key condition not supported{rule}")
    contents = zip(named, key.types[: key.partition], strict=False)
    return tuple([condition.values[0][kind] for condition, kind in contents])


def _check_one(condition: Comparison, kind: str, rule: str, must_equal: bool) -> None:
    if condition.operator not in OPERATORS.values():
        raise invalid("Attempted conditional constraint is not an indexable operation")
    if any(type_of(value) != kind for value in condition.values):
        raise invalid(f"{INVALID}Condition parameter type does not match schema type")
    if must_equal and condition.operator != "EQ":
        raise invalid(f"Query key condition not supported{rule}")
    for value in condition.values:
        keys.check_not_empty(condition.name, value)
