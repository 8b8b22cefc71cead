"""Reads of items."""

from __future__ import annotations

from database import Database, item


def test_reads_see_the_last_write(database: Database) -> None:
    """GetItem, BatchGetItem, TransactGetItems, Query and Scan answer the same items, projected as asked."""
    table = database.table(None)
    table.put("a", {"n": {"N": "1.0"}, "s": {"SS": ["y", "x"]}, "name": {"S": "first"}})
    table.put("b", {"n": {"N": "2"}})
    projected = {"ProjectionExpression": "n, s, #name", "ExpressionAttributeNames": {"#name": "name"}}
    expected = {"n": {"N": "1"}, "s": {"SS": ["x", "y"]}, "name": {"S": "first"}}
    assert table.get("a", **projected) == expected
    writes = database.writes
    gets = [{"Get": {"TableName": table.name, "Key": item(id), **projected}} for id in ("a", "zero")]
    assert writes.transact_get_items(TransactItems=gets)["Responses"] == [{"Item": expected}, {}]
    asked = {table.name: {"Keys": [item("a"), item("zero")], **projected}}
    assert writes.batch_get_item(RequestItems=asked)["Responses"] == {table.name: [expected]}
    found = writes.query(
        TableName=table.name, KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": {"S": "b"}}
    )
    assert found["Items"] == [item("b", {"n": {"N": "2"}})]
    filtered = writes.scan(
        TableName=table.name, FilterExpression="n > :one", ExpressionAttributeValues={":one": {"N": "1"}}
    )
    assert (filtered["Count"], filtered["ScannedCount"]) == (1, 2)
    pages = [writes.scan(TableName=table.name, Limit=1)]
    pages.append(writes.scan(TableName=table.name, Limit=1, ExclusiveStartKey=pages[0]["LastEvaluatedKey"]))
    assert sorted(page["Items"][0]["id"]["S"] for page in pages) == ["a", "b"]
