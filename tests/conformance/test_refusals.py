"""The same code for the same mistake."""

from __future__ import annotations

from typing import Any

import pytest
from database import Table, code, item, refusal

A, B = {"v": {"S": "a"}}, {"v": {"S": "b"}}


REFUSED = [
    ("put_item", {"Item": {"x": {"S": "no key"}}}, "ValidationException"),
    ("put_item", {"Item": {"id": {"N": "1"}}}, "ValidationException"),
    ("put_item", {"Item": {"id": {"S": ""}}}, "ValidationException"),
    ("put_item", {"Item": item("t", {"s": {"SS": ["a", "a"]}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"s": {"NS": ["1", "1.0"]}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"s": {"SS": []}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"n": {"N": "1" * 39}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"n": {"N": "one"}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"n": {"N": "1E126"}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"n": {"N": "1E-131"}})}, "ValidationException"),
    ("put_item", {"Item": item("t", {"s": {"S": "x" * 410_000}})}, "ValidationException"),
    ("put_item", {"Item": item("t"), "ReturnValues": "ALL_NEW"}, "ValidationException"),
    ("put_item", {"Item": item("t"), "ConditionExpression": "v = "}, "ValidationException"),
    ("put_item", {"Item": item("t"), "ConditionExpression": "v = :undefined"}, "ValidationException"),
    ("put_item", {"Item": item("t"), "ConditionExpression": "attribute_exists(name)"}, "ValidationException"),
    ("put_item", {"Item": item("t"), "TableName": "Nowhere"}, "ResourceNotFoundException"),
    ("get_item", {"Key": {"id": {"N": "1"}}}, "ValidationException"),
    ("get_item", {"Key": {"other": {"S": "1"}}}, "ValidationException"),
    ("get_item", {"Key": item("t", A)}, "ValidationException"),
    ("delete_item", {"Key": item("t", A)}, "ValidationException"),
    ("update_item", {"Key": {"id": {"N": "1"}}}, "ValidationException"),
    ("update_item", {"Key": item("t"), "UpdateExpression": "SETT v = :v"}, "ValidationException"),
    (
        "update_item",
        {"Key": item("t"), "UpdateExpression": "SET id = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}},
        "ValidationException",
    ),
    (
        "update_item",
        {"Key": item("t"), "UpdateExpression": "REMOVE v", "ExpressionAttributeValues": {":unused": {"S": "1"}}},
        "ValidationException",
    ),
    (
        "update_table",
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
        "ValidationException",
    ),
    (
        "update_time_to_live",
        {"TimeToLiveSpecification": {"Enabled": False, "AttributeName": "x"}},
        "ValidationException",
    ),
    ("describe_table", {"TableName": "Nowhere"}, "ResourceNotFoundException"),
]


@pytest.mark.parametrize("call, parameters, expected", REFUSED)
def test_what_is_refused(table: Table, call: str, parameters: dict[str, Any], expected: str) -> None:
    """The same code for the same mistake, and no record."""
    answer = refusal(getattr(table.database.writes, call), **{"TableName": table.name, **parameters})
    assert code(answer) == expected
    assert table.records() == []


def test_what_a_batch_or_a_transaction_refuses(table: Table) -> None:
    """S-22, S-23: too many, or two writes on one item; one wrong key cancels a transaction and refuses a batch."""
    batch = table.database.writes.batch_write_item
    puts = [{"PutRequest": {"Item": item(str(number))}} for number in range(26)]
    twice = [{"PutRequest": {"Item": item("t")}}, {"DeleteRequest": {"Key": item("t")}}]
    wrong = [puts[0], {"DeleteRequest": {"Key": {"id": {"N": "1"}}}}]
    for requests in (puts, twice, wrong):
        assert code(refusal(batch, RequestItems={table.name: requests})) == "ValidationException"
    deletes = [table.action("Delete", str(number)) for number in range(101)]
    assert code(refusal(table.transact, *deletes)) == "ValidationException"
    assert code(refusal(table.transact, deletes[0], deletes[0])) == "ValidationException"
    wrong_key = {"Delete": {"TableName": table.name, "Key": {"id": {"N": "1"}}}}
    answer = refusal(table.transact, table.action("Put", "t"), wrong_key)
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ValidationError"]
    assert table.records() == []
