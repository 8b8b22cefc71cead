"""Condition expressions and document paths: moto parses them, and they are evaluated here.

moto compares Python values: it fails where the types differ, takes a missing attribute for NULL and 1 for true, and
accepts a path through a value that is neither a map nor a list.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from decimal import Decimal
from functools import lru_cache
from typing import Any

from moto.dynamodb import comparisons as moto
from moto.dynamodb.exceptions import InvalidUpdateExpressionInvalidDocumentPath, MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as StoredItem
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from harness.platforms.embedded.services.values import SETS, Item, number, ordered

Body = dict[str, Any]
Value = dict[str, Any]
Path = list[str | int]

_PLACEHOLDER = re.compile(r"[#:]\w+")
_ORDERS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}


def holds(expression: str, names: Body | None, values: Body | None, stored: StoredItem | None) -> bool:
    """Whether the item meets the condition. Raises ValidationException for an invalid condition."""
    try:
        return _holds(_parsed(expression, json.dumps(names), json.dumps(values)), stored)
    except (ValueError, AssertionError, IndexError) as error:
        raise MockValidationException(f"Invalid ConditionExpression: {error}") from error


def check_placeholders(call: Body) -> None:
    """Raises ValidationException for names and values that are defined and not used, or used and not defined."""
    expressions = " ".join(call.get(name, "") for name in ("ConditionExpression", "UpdateExpression"))
    used = _PLACEHOLDER.findall(expressions)
    for member, sign in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
        defined = call.get(member, {})
        if member in call and not defined:
            raise MockValidationException(f"{member} must not be empty")
        for name in defined:
            if name not in used:
                raise MockValidationException(f"Value provided in {member} unused in expressions: keys: {{{name}}}")
        for name in used:
            if name[0] == sign and name not in defined:
                raise MockValidationException(f"Invalid expression: {name} is used and not defined in {member}")


def updated_paths(call: Body) -> list[Path]:
    """The document paths that the UpdateExpression of the call sets, adds to or takes away."""
    if not call.get("UpdateExpression"):
        return []
    names = call.get("ExpressionAttributeNames", {})
    actions = UpdateExpressionParser.make(call["UpdateExpression"]).find_clauses(
        [
            ast_nodes.UpdateExpressionSetAction,
            ast_nodes.UpdateExpressionRemoveAction,
            ast_nodes.UpdateExpressionAddAction,
            ast_nodes.UpdateExpressionDeleteAction,
        ]
    )
    return [[step for node in action.children[0].children for step in _steps(node, names)] for action in actions]


def check_paths(call: Body, item: Item) -> None:
    """Every step of an updated path goes into a map or a list of the item. Raises ValidationException."""
    for root, *steps in updated_paths(call):
        value = item.get(str(root))
        for step in steps:
            kind = "L" if isinstance(step, int) else "M"
            if value is None or kind not in value:
                raise InvalidUpdateExpressionInvalidDocumentPath
            members = dict(enumerate(value["L"])) if kind == "L" else value["M"]
            value = members.get(step)


def wire_value(value: DynamoType) -> Value:
    """A stored value in the wire format, canonical, sharing nothing with the storage."""
    kind, content = value.type, value.value
    if kind == "N":
        return {"N": number(content)}
    if kind == "M":
        return {"M": {name: wire_value(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [wire_value(element) for element in content]}
    return {kind: ordered(kind, content) if kind in SETS else content}


@lru_cache(maxsize=1024)
def _parsed(expression: str, names: str, values: str) -> Any:
    """A parsed condition: it holds no state, and parsing takes most of a conditional write's time."""
    return moto.get_filter_expression(expression, json.loads(names), json.loads(values))


def _holds(node: Any, stored: StoredItem | None) -> bool:
    match node:
        case moto.OpAnd():
            return _holds(node.lhs, stored) and _holds(node.rhs, stored)
        case moto.OpOr():
            return _holds(node.lhs, stored) or _holds(node.rhs, stored)
        case moto.OpNot():
            return not _holds(node.lhs, stored)
        case moto.OpDefault():
            return True
        case moto.Op():
            return _compare(_value(node.lhs, stored), node.OP, _value(node.rhs, stored))
        case moto.FuncBetween():
            value = _value(node.attr, stored)
            low, high = _value(node.start, stored), _value(node.end, stored)
            return _compare(value, ">=", low) and _compare(value, "<=", high)
        case moto.FuncIn():
            value = _value(node.attr, stored)
            return any(_compare(value, "=", _value(possible, stored)) for possible in node.possible_values)
        case moto.FuncContains():
            return _contains(_value(node.attr, stored), _value(node.operand, stored))
        case _:
            return bool(node.expr(stored))


def _value(operand: Any, stored: StoredItem | None) -> Value | None:
    """An operand in the wire format; None for an attribute that is missing."""
    match operand:
        case moto.AttributePath():
            attribute = operand._get_attr(stored)
            return None if attribute is None else wire_value(attribute)
        case moto.AttributeValue():
            return {operand.type: operand.value}
        case _:  # size(), of an attribute that may have none
            try:
                return {"N": str(operand.expr(stored))}
            except ValueError:
                return None


def _compare(left: Value | None, comparator: str, right: Value | None) -> bool:
    if comparator == "=":
        return left is not None and left == right
    if comparator == "<>":
        return left is None or left != right
    if left is None or right is None or list(left) != list(right):
        return False
    kind = next(iter(left))
    if kind not in ("S", "N", "B"):
        return False
    low, high = _orderable(kind, left[kind]), _orderable(kind, right[kind])
    return (low > high) - (low < high) in _ORDERS[comparator]


def _orderable(kind: str, content: str) -> Any:
    if kind == "N":
        return Decimal(content)
    return content.encode() if kind == "S" else b64decode(content)


def _contains(whole: Value | None, part: Value | None) -> bool:
    if whole is None or part is None:
        return False
    ((kind, content),), ((part_kind, sought),) = whole.items(), part.items()
    if kind == "L":
        return part in content
    return part_kind == kind[0] and (kind == "S" or kind in SETS) and sought in content


def _steps(node: Any, names: Body) -> list[str | int]:
    if isinstance(node, ast_nodes.ExpressionSelector):
        return [node.get_index()]
    if isinstance(node, ast_nodes.ExpressionAttributeName):
        return [names.get(node.get_attribute_name_placeholder(), "")]
    if isinstance(node, ast_nodes.ExpressionAttribute):
        return [node.get_attribute_name()]
    return []  # the dot between two of them
