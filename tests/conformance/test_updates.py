"""Update expressions: what they return and leave."""

from __future__ import annotations

from typing import Any

import pytest
from database import Table, code, item, refusal
from differences import OBSERVED, Difference

A, B = {"v": {"S": "a"}}, {"v": {"S": "b"}}
ONE = {":one": {"N": "1"}}


def test_arithmetic_keeps_38_digits(table: Table) -> None:
    """Adding to a number of 38 digits is exact."""
    table.put("t", {"n": {"N": "1234567890123456789012345678901234567.5"}})
    table.update("t", "SET n = n + :one", ExpressionAttributeValues=ONE)
    assert table.get("t")["n"] == {"N": "1234567890123456789012345678901234568.5"}


_M = {"M": {"x": {"S": "1"}, "y": {"S": "2"}}}
_L = {"L": [{"S": "a"}, {"S": "b"}]}
_S = {"SS": ["a", "b"]}
_START = item("t", {"v": {"S": "a"}, "c": {"N": "5"}, "m": _M, "l": _L, "s": _S})
_Z = {"m": {"M": {"x": {"S": "z"}, "y": {"S": "2"}}}, "l": {"L": [{"S": "a"}, {"S": "z"}]}}
_LONGER = {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}
_WIDER = {"SS": ["a", "b", "c"]}


def _all(**changed: Any) -> dict[str, Any]:
    """The item at the start with other values; None takes an attribute away."""
    return {name: value for name, value in {**_START, **changed}.items() if value is not None}


UPDATES: list[tuple[str, Any, str, Any, Any]] = [  # expression, values, ReturnValues; Attributes, the item after
    ("SET v = :v", {":v": {"S": "a"}}, "UPDATED_NEW", {"v": {"S": "a"}}, _START),
    ("SET v = :v", {":v": {"S": "b"}}, "UPDATED_OLD", {"v": {"S": "a"}}, _all(v={"S": "b"})),
    ("SET m.x = :v, l[1] = :v", {":v": {"S": "z"}}, "UPDATED_NEW", OBSERVED["UPDATED_NEW of nested paths"], _all(**_Z)),
    ("SET m.x = :v, l[1] = :v", {":v": {"S": "z"}}, "UPDATED_OLD", OBSERVED["UPDATED_OLD of nested paths"], _all(**_Z)),
    ("SET c = c + :v", {":v": {"N": "1.25"}}, "ALL_NEW", _all(c={"N": "6.25"}), _all(c={"N": "6.25"})),
    ("SET c = c - :v", {":v": {"N": "10"}}, "UPDATED_NEW", {"c": {"N": "-5"}}, _all(c={"N": "-5"})),
    ("SET c = if_not_exists(c, :v)", {":v": {"N": "7"}}, "ALL_NEW", _START, _START),
    ("SET d = if_not_exists(d, :v)", {":v": {"N": "7"}}, "ALL_NEW", _all(d={"N": "7"}), _all(d={"N": "7"})),
    ("SET l = list_append(l, :v)", {":v": {"L": [{"S": "c"}]}}, "UPDATED_NEW", {"l": _LONGER}, _all(l=_LONGER)),
    ("SET twin = s ADD s :v", {":v": {"SS": ["c"]}}, "ALL_NEW", _all(twin=_S, s=_WIDER), _all(twin=_S, s=_WIDER)),
    ("SET twin = s", None, "UPDATED_NEW", {"twin": _S}, _all(twin=_S)),
    ("REMOVE v, nothing", None, "UPDATED_OLD", {"v": {"S": "a"}}, _all(v=None)),
    ("REMOVE v", None, "UPDATED_NEW", None, _all(v=None)),
    ("ADD s :v", {":v": {"SS": ["c", "a"]}}, "UPDATED_NEW", {"s": _WIDER}, _all(s=_WIDER)),
    ("ADD d :v", {":v": {"NS": ["2", "10"]}}, "UPDATED_NEW", {"d": {"NS": ["2", "10"]}}, _all(d={"NS": ["2", "10"]})),
    ("DELETE s :v", {":v": {"SS": ["a", "z"]}}, "UPDATED_NEW", {"s": {"SS": ["b"]}}, _all(s={"SS": ["b"]})),
    ("DELETE s :v", {":v": {"SS": ["a", "b"]}}, "ALL_NEW", _all(s=None), _all(s=None)),
]


@pytest.mark.parametrize("expression, values, returned, attributes, after", UPDATES)
def test_update_expressions(
    table: Table, expression: str, values: Any, returned: str, attributes: Any, after: Any
) -> None:
    """What an update returns and leaves, twice: the second time its plan is kept."""
    used = {"ExpressionAttributeValues": values} if values else {}
    if isinstance(attributes, Difference):
        attributes = getattr(attributes, table.database.platform)
    for _ in range(2):
        table.put("t", _START)
        answer = table.update("t", expression, ReturnValues=returned, **used)
        assert answer.get("Attributes") == attributes
        assert table.get("t") == after


def test_an_update_that_fails_half_way_changes_nothing(table: Table) -> None:
    """S-22, S-37: neither the clauses before the wrong one nor a new item stay."""
    table.put("t", A)
    wrong = "SET w = :one ADD v :one"
    assert code(refusal(table.update, "t", wrong, ExpressionAttributeValues=ONE)) == "ValidationException"
    missing = "SET w = :one, x = nowhere + :one"
    assert code(refusal(table.update, "new", missing, ExpressionAttributeValues=ONE)) == "ValidationException"
    actions = [table.action("Put", "put", A)]
    actions.append(table.action("Update", "t", UpdateExpression=wrong, ExpressionAttributeValues=ONE))
    refused = OBSERVED["a transaction with an update that does not fit its item"]
    assert code(refusal(table.transact, *actions)) == getattr(refused, table.database.platform)
    assert table.scan() == [item("t", A)]
    assert table.names() == ["INSERT"]


def test_an_update_to_another_spelling_leaves_no_record(table: Table) -> None:
    """S-32, S-34: setting 1.0 where 1 is leaves nothing, even where the spelling is kept (differences)."""
    table.put("t", {"c": {"N": "1"}})
    table.update("t", "SET c = :c", ExpressionAttributeValues={":c": {"N": "1.0"}})
    table.update("new", "SET c = :c", ExpressionAttributeValues={":c": {"N": "1.0"}})
    spelling = OBSERVED["1.0 after an update expression set it"]
    assert table.get("new")["c"] == {"N": getattr(spelling, table.database.platform)}
    assert table.names() == ["INSERT", "INSERT"]


def test_removing_from_a_missing_item_makes_none(table: Table) -> None:
    """S-37: no item and no record."""
    table.update("t", "REMOVE v")
    made = getattr(OBSERVED["UpdateItem with REMOVE alone on a missing item"], table.database.platform)
    assert (len(table.scan()), len(table.names())) == (made, made)


@pytest.mark.parametrize("operand", ["v", "if_not_exists(v, v)"])
def test_if_not_exists_takes_two_different_operands(operand: str, table: Table) -> None:
    """An attribute as its own default is refused, also where it exists, and before a condition is judged."""
    table.put("t", A)
    update = f"SET v = if_not_exists(v, {operand})"
    answer = refusal(table.update, "t", update, ConditionExpression="attribute_not_exists(v)")
    assert code(answer) == "ValidationException"
