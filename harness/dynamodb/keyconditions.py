"""Key conditions: which partition a query reads, and which part of its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.dynamodb import grammar
from harness.dynamodb.conditions import Compiler
from harness.dynamodb.expressions import Placeholders
from harness.dynamodb.grammar import Call, Literal, Name
from harness.dynamodb.legacy import Comparison
from harness.dynamodb.store import Key
from harness.dynamodb.values import INVALID, invalid, type_of

_OPERATORS = {
    "=": "EQ",
    "<": "LT",
    "<=": "LE",
    ">": "GT",
    ">=": "GE",
    "BETWEEN": "BETWEEN",
    "begins_with": "BEGINS_WITH",
}
_MIRRORED = {"=": "EQ", "<": "GT", "<=": "GE", ">": "LT", ">=": "LE"}
_WHERE = "Invalid condition in KeyConditionExpression: "


def of_expression(scope: Placeholders, text: str) -> tuple[Comparison, ...]:
    """The comparisons of a KeyConditionExpression. Raises Rejected."""
    scope.condition("KeyConditionExpression", text)
    names, types = scope.pairs
    resolve = Compiler(dict(names), dict(types))
    comparisons: dict[str, Comparison] = {}
    for call in _parts(grammar.condition(text)):
        comparison = _comparison(call, scope, resolve)
        if comparison.name in comparisons:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        comparisons[comparison.name] = comparison
    return tuple(comparisons.values())


def _parts(tree: Call) -> list[Call]:
    if tree.operator == "AND":
        return [part for operand in tree.operands for part in _parts(operand)]
    if tree.operator not in _OPERATORS:
        raise invalid(f"Invalid operator used in KeyConditionExpression: {tree.operator}")
    return [tree]


def _comparison(call: Call, scope: Placeholders, resolve: Compiler) -> Comparison:
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
    operator = (_MIRRORED if mirrored else _OPERATORS)[call.operator]
    return Comparison(str(path[0]), operator, tuple(scope.values[literal.placeholder] for literal in literals))


def checked(comparisons: Sequence[Comparison], key: Key) -> tuple[str, Comparison | None]:
    """The content of the partition key, and the condition on the sort key. Raises Rejected."""
    if not comparisons:
        raise invalid("Conditions must be at least length 1")
    if len(comparisons) > 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    by_name: Mapping[str, Comparison] = {comparison.name: comparison for comparison in comparisons}
    for position, (name, kind) in enumerate(zip(key.names, key.types, strict=True)):
        condition = by_name.get(name)
        if condition is None:
            if position == 0 or len(comparisons) > 1:
                raise invalid(f"Query condition missed key schema element: {name}")
            continue
        _check_one(condition, kind, is_partition=position == 0)
    if len(comparisons) > len(key.names):
        raise invalid("Query key condition not supported")
    partition = by_name[key.names[0]].values[0]
    content: Any = partition[key.types[0]]
    return content, by_name.get(key.names[1]) if len(key.names) > 1 else None


def _check_one(condition: Comparison, kind: str, is_partition: bool) -> None:
    if condition.operator not in _OPERATORS.values():
        raise invalid("Attempted conditional constraint is not an indexable operation")
    if any(type_of(value) != kind for value in condition.values):
        raise invalid(f"{INVALID}Condition parameter type does not match schema type")
    if is_partition and condition.operator != "EQ":
        raise invalid("Query key condition not supported")
    if not all(value[kind] for value in condition.values):
        what = "string" if kind == "S" else "binary"
        problem = f"The AttributeValue for a key attribute cannot contain an empty {what} value"
        raise invalid(f"One or more parameter values are not valid. {problem}. Key: {condition.name}")
