"""The documented limits: what is just within is taken, and one more is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from database import Table, code, item, refusal

ONE = {":a": {"N": "1"}}
Call = Callable[[Table, int], Any]


def _deep(levels: int) -> Any:
    value: Any = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


def _condition(table: Table, text: str, values: Any = None) -> Any:
    return table.put("t", ConditionExpression=text, ExpressionAttributeValues=values or ONE)


def _or(count: int) -> str:
    return " OR ".join(["attribute_not_exists(id)"] + ["v = :a"] * count)


def _puts(table: Table, count: int, size: int = 1) -> Any:
    return [table.action("Put", f"t{number}", {"v": {"S": "x" * size}}) for number in range(count)]


def _batch(table: Table, count: int) -> Any:
    puts = [{"PutRequest": {"Item": item(str(number))}} for number in range(count)]
    return table.database.writes.batch_write_item(RequestItems={table.name: puts})


def _reads(table: Table, count: int) -> Any:
    wanted = {"Keys": [item(str(number)) for number in range(count)]}
    return table.database.writes.batch_get_item(RequestItems={table.name: wanted})


def _gets(table: Table, count: int) -> Any:
    gets = [{"Get": {"TableName": table.name, "Key": item(str(number))}} for number in range(count)]
    return table.database.writes.transact_get_items(TransactItems=gets)


# What is limited, in the words of the documents: the limit, and a call that needs so much.
LIMITS: dict[str, tuple[int, Call]] = {
    "bytes of an item": (409_600, lambda t, n: t.put("t", {"v": {"S": "x" * (n - 4)}})),  # names and key: id, t, v
    "levels of a value": (31, lambda t, n: t.put("t", {"v": _deep(n)})),  # the item is the first
    "digits of a number": (38, lambda t, n: t.put("t", {"v": {"N": "1" * n}})),
    "magnitude of a number": (125, lambda t, n: t.put("t", {"v": {"N": f"9E{n}"}})),
    "smallness of a number": (130, lambda t, n: t.put("t", {"v": {"N": f"1E-{n}"}})),
    "bytes of a partition key": (2048, lambda t, n: t.put("x" * n)),
    "bytes of an expression": (4096, lambda t, n: _condition(t, "v <> :a".ljust(n))),
    "operators of an expression": (149, lambda t, n: _condition(t, _or(n))),  # OR and = each, and a function
    "operands of IN": (100, lambda t, n: _condition(t, f"NOT v IN ({','.join([':a'] * n)})")),
    "actions of a transaction": (100, lambda t, n: t.transact(*_puts(t, n))),
    "bytes of a transaction": (10, lambda t, n: t.transact(*_puts(t, n, 400_000))),
    "reads of a transaction": (100, _gets),
    "characters of a token": (36, lambda t, n: t.transact(*_puts(t, 1), ClientRequestToken="x" * n)),
    "writes of a batch": (25, _batch),
    "reads of a batch": (100, _reads),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_what_is_within_the_limit(table: Table, limit: str) -> None:
    """As much as the limit is taken, and one more is a ValidationException."""
    most, call = LIMITS[limit]
    call(table, most)
    assert code(refusal(call, table, most + 1)) == "ValidationException"
