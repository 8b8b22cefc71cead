"""The words of refusals, as AWS has them since 2026: recorded by moto's aws_verified tests and by nubo-db/dynoxide.

DynamoDB Local has the older words, so only the embedded service is asked.
"""

from __future__ import annotations

from typing import Any

import pytest
from database import embedded, indexed_table, refusal

COUNTED = "1 validation error detected: "
S: dict[str, Any] = {"S": "x"}
PLACEHOLDER = {"ExpressionAttributeNames": {"#q": "q"}}


@pytest.fixture(scope="module")
def calls() -> Any:
    """A client, and a table with the key `p` and the index `g` on `g` that holds keys alone."""
    client = embedded().writes
    indexed_table(client)
    return client


def words(call: Any, **parameters: Any) -> str:
    return str(refusal(call, TableName="Table", **parameters)["Error"]["Message"])


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("update_item", {"Key": {"p": S}, "UpdateExpression": ""}, "Invalid UpdateExpression: The expression can"),
        ("put_item", {"Item": {"p": S, "a": {"SS": []}}}, "One or more parameter values were invalid: An string set"),
        ("put_item", {"Item": {"p": S}, "ConditionExpression": "p = p", **PLACEHOLDER}, "Invalid ConditionExpression:"),
        (
            "delete_item",
            {"Key": {"p": S}, "ConditionExpression": "attribute_exists(p)", **PLACEHOLDER},
            "Value provided",
        ),
        (
            "update_item",
            {"Key": {"p": S}, "UpdateExpression": "ADD a :a", "ExpressionAttributeValues": {":a": {"NS": []}}},
            "One or more parameter values were invalid: An number set  may not be empty",
        ),
    ],
)
def test_the_violations_of_a_request_to_write_are_counted(
    operation: str, parameters: Any, message: str, calls: Any
) -> None:
    """Of PutItem, UpdateItem and DeleteItem: what the request alone shows."""
    assert words(getattr(calls, operation), **parameters).startswith(COUNTED + message)


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("put_item", {"Item": {"p": {"S": ""}}}, "One or more parameter values are not valid."),
        ("put_item", {"Item": {"p": S, "a": {}}}, "Supplied AttributeValue is empty"),
        ("put_item", {"Item": {"p": S, "a": {"N": "x"}}}, "The parameter cannot be converted to a numeric value"),
        ("put_item", {"Item": {"p": S, "a": {"S": "x" * 409_600}}}, "Item size has exceeded"),
        ("put_item", {"Item": {"p": {"N": "1"}}}, "One or more parameter values were invalid: Type mismatch"),
        ("update_item", {"Key": {"p": S}, "UpdateExpression": "SET a = b"}, "The provided expression refers to"),
        ("get_item", {"Key": {"p": S}, "ProjectionExpression": ""}, "Invalid ProjectionExpression:"),
    ],
)
def test_other_refusals_are_not_counted(operation: str, parameters: Any, message: str, calls: Any) -> None:
    """What table and item show, values without a form, limits, and everything of a call that reads."""
    assert words(getattr(calls, operation), **parameters).startswith(message)


def test_a_query_counts_what_it_selects_and_a_scan_does_not(calls: Any) -> None:
    """The same problem of Select in two words."""
    problem = "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
    key = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": S}}
    assert words(calls.query, Select="ALL_PROJECTED_ATTRIBUTES", **key) == COUNTED + problem
    assert words(calls.scan, Select="ALL_PROJECTED_ATTRIBUTES") == problem


def test_a_query_filters_by_what_its_index_holds(calls: Any) -> None:
    """An index that lacks the attribute refuses the query; a scan finds nothing there."""
    key = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": S}}
    problem = "Secondary index keys does not project one or more filter attributes: [a, b]"
    told = words(calls.query, IndexName="keys", FilterExpression="a = :g OR b.c = :g", **key)
    assert told == f"One or more parameter values were invalid: {problem}"
    values = {"ExpressionAttributeValues": {":g": S}}
    assert calls.scan(TableName="Table", IndexName="keys", FilterExpression="a = :g", **values)["Items"] == []


@pytest.mark.parametrize("operation", ["transact_write_items", "transact_get_items"])
def test_an_empty_key_refuses_a_whole_transaction(operation: str, calls: Any) -> None:
    """A key of another type is a reason to cancel it."""
    kind = "Delete" if operation == "transact_write_items" else "Get"
    call = getattr(calls, operation)
    for value, code in (({"S": ""}, "ValidationException"), ({"N": "1"}, "TransactionCanceledException")):
        answer = refusal(call, TransactItems=[{kind: {"TableName": "Table", "Key": {"p": value}}}])
        assert answer["Error"]["Code"] == code


def test_a_batch_answers_by_the_name_that_was_asked(calls: Any) -> None:
    """BatchGetItem with a table's ARN."""
    arn = calls.describe_table(TableName="Table")["Table"]["TableArn"]
    calls.put_item(TableName=arn, Item={"p": S})
    assert calls.batch_get_item(RequestItems={arn: {"Keys": [{"p": S}]}})["Responses"] == {arn: [{"p": S}]}


def test_a_table_needs_both_units_of_capacity(calls: Any) -> None:
    """The one that is missing is named by its place in the request."""
    parameters = {
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "ProvisionedThroughput": {"WriteCapacityUnits": 1},
    }
    answer = refusal(calls.create_table, TableName="Other", **parameters)
    place = "Value null at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint"
    assert answer["Error"]["Message"].startswith(COUNTED + place)


def test_an_index_has_no_tags(calls: Any) -> None:
    """Its ARN is none of a resource with tags."""
    arn = calls.describe_table(TableName="Table")["Table"]["TableArn"]
    answer = refusal(calls.list_tags_of_resource, ResourceArn=f"{arn}/index/keys")
    assert answer["Error"]["Code"] == "ValidationException"


def test_a_deleted_table_is_described_without_its_indexes() -> None:
    """DeleteTable tells the name and the state, not what was in it."""
    client = embedded().writes
    client.create_table(
        TableName="Table",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pcl"],
        BillingMode="PAY_PER_REQUEST",
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    description = client.delete_table(TableName="Table")["TableDescription"]
    assert (description["TableStatus"], "LocalSecondaryIndexes" in description) == ("DELETING", False)
