"""Transactions under an idempotency token, as semantics.md has them (S-15 to S-20)."""

from __future__ import annotations

from typing import Any

from database import Table, code, item, refusal

A, B = {"v": {"S": "a"}}, {"v": {"S": "b"}}
ABSENT = "attribute_not_exists(id)"


def _add(table: Table, amount: str = "1") -> dict[str, Any]:
    return table.action("Update", "t", UpdateExpression="ADD c :n", ExpressionAttributeValues={":n": {"N": amount}})


def test_a_token_applies_once(table: Table) -> None:
    """W14, S-15: the same transaction three times under one token counts once."""
    for _ in range(3):
        table.transact(_add(table), ClientRequestToken="token-14")
    assert table.get("t")["c"] == {"N": "1"}
    assert table.names() == ["INSERT"]


def test_a_token_with_other_parameters_is_refused(table: Table) -> None:
    """W15, S-18: a mismatch is refused; another order of the attributes, or asking for the capacity, is none."""
    first = table.action("Put", "t", {"x": {"S": "1"}, "y": {"N": "1"}})
    table.transact(first, ClientRequestToken="token-15")
    table.transact(table.action("Put", "t", {"y": {"N": "1"}, "x": {"S": "1"}}), ClientRequestToken="token-15")
    table.transact(first, ClientRequestToken="token-15", ReturnConsumedCapacity="TOTAL")
    for other in ({"x": {"S": "2"}, "y": {"N": "1"}}, {"x": {"S": "1"}, "y": {"N": "1.0"}}):
        answer = refusal(table.transact, table.action("Put", "t", other), ClientRequestToken="token-15")
        assert code(answer) == "IdempotentParameterMismatchException"
    assert table.names() == ["INSERT"]


def test_a_replayed_token_does_not_undo_another_writer(table: Table) -> None:
    """W16, S-17: the replay stays without effect after somebody else's change, and writes no record."""
    table.transact(table.action("Put", "t", A), ClientRequestToken="token-16")
    table.put("t", B)
    table.transact(table.action("Put", "t", A), ClientRequestToken="token-16")
    assert table.get("t") == item("t", B)
    assert table.names() == ["INSERT", "MODIFY"]


def test_a_cancelled_transaction_leaves_nothing_and_its_token_free(table: Table) -> None:
    """W17, S-20, S-22, S-37: all or nothing; what was cancelled can be tried again under the same token."""
    table.put("blocker", A)
    actions = [
        table.action("Put", "first", A),
        _add(table),
        table.action("Put", "blocker", B, ConditionExpression=ABSENT),
    ]
    assert code(refusal(table.transact, *actions, ClientRequestToken="token-17")) == "TransactionCanceledException"
    assert table.scan() == [item("blocker", A)]
    assert table.names() == ["INSERT"]
    table.delete("blocker")
    table.transact(*actions, ClientRequestToken="token-17")
    assert table.get("t")["c"] == {"N": "1"}
