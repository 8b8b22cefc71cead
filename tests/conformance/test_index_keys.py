"""Keys of several attributes, which a global index may have: recorded by moto's aws_verified tests."""

from __future__ import annotations

from typing import Any

import pytest
from database import embedded, refusal

KINDS = {"p": "S", "g": "S", "h": "N", "s": "S", "t": "N"}
INDEX = [("g", "HASH"), ("h", "HASH"), ("s", "RANGE"), ("t", "RANGE")]
ROWS = [("1", "a", 3), ("2", "a", 20), ("3", "b", 1), ("4", "a", 100)]  # p, s and t
VALUES = {":g": {"S": "x"}, ":h": {"N": "1.0"}, ":s": {"S": "a"}, ":t": {"N": "20"}, ":u": {"N": "100"}}


def schema(*elements: tuple[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": role} for name, role in elements]


def created(*index: tuple[str, str]) -> Any:
    """A client, and a table that was created with this index."""
    client = embedded().writes
    names = {"p": "S"} | {name: KINDS[name] for name, _ in index}
    client.create_table(
        TableName="Table",
        KeySchema=schema(("p", "HASH")),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in names.items()],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {"IndexName": "index", "KeySchema": schema(*index), "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    return client


@pytest.fixture
def calls() -> Any:
    """A client, and a table with the rows; one item more lacks a part of the index's key."""
    client = created(*INDEX)
    for p, s, t in ROWS:
        item = {"p": {"S": p}, "g": {"S": "x"}, "h": {"N": "1"}, "s": {"S": s}, "t": {"N": str(t)}}
        client.put_item(TableName="Table", Item=item)
    client.put_item(TableName="Table", Item={"p": {"S": "5"}, "g": {"S": "x"}, "h": {"N": "1"}, "s": {"S": "a"}})
    return client


def query(condition: str, **more: Any) -> dict[str, Any]:
    values = {name: value for name, value in VALUES.items() if name in condition}
    key = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
    return {"TableName": "Table", "IndexName": "index", **key, **more}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("g = :g AND h = :h", "1243"),
        ("g = :g AND h = :h AND s = :s", "124"),
        ("g = :g AND h = :h AND s > :s", "3"),
        ("g = :g AND h = :h AND s = :s AND t >= :t", "24"),
        ("t BETWEEN :t AND :u AND s = :s AND h = :h AND g = :g", "24"),
    ],
)
def test_a_query_names_the_partition_and_the_first_parts_of_the_order(condition: str, found: str, calls: Any) -> None:
    """Items are ordered by the parts one after another, numbers by value; one that lacks a part is not there."""
    assert "".join(item["p"]["S"] for item in calls.query(**query(condition))["Items"]) == found


@pytest.mark.parametrize(
    "condition",
    [
        "g = :g",
        "g = :g AND h > :h",
        "g = :g AND h = :h AND t = :t",
        "g = :g AND h = :h AND s > :s AND t = :t",
        "g = :g AND h = :h AND p = :s",
    ],
)
def test_a_query_that_leaves_out_a_part_is_refused(condition: str, calls: Any) -> None:
    """Only the last part that is named may be compared otherwise than by equality."""
    assert refusal(calls.query, **query(condition))["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("operation", ["query", "scan"])
def test_pages_of_such_an_index_have_no_gap(operation: str, calls: Any) -> None:
    """The key of a page's end has all parts, and those of the table."""
    call = query("g = :g AND h = :h") if operation == "query" else {"TableName": "Table", "IndexName": "index"}
    seen, more = "", {}
    while page := getattr(calls, operation)(**call, Limit=1, **more):
        seen += "".join(item["p"]["S"] for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == set(KINDS)
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert seen == "1243"


@pytest.mark.parametrize(
    "index",
    [
        [("s", "RANGE"), ("g", "HASH")],
        [("g", "HASH"), ("s", "RANGE"), ("h", "HASH")],
        [("g", "HASH"), ("g", "HASH")],
    ],
)
def test_such_a_key_has_its_partition_first(index: list[tuple[str, str]]) -> None:
    """And names an attribute once."""
    assert refusal(created, *index)["Error"]["Code"] == "ValidationException"
