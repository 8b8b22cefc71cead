"""Writes and the records they leave, as semantics.md has them (A, B), on the embedded services and DynamoDB Local."""

from __future__ import annotations

import pytest
from database import Table, code, item, refusal
from differences import OBSERVED

A, B = {"v": {"S": "a"}}, {"v": {"S": "b"}}
ONE = {":one": {"N": "1"}}
ABSENT = "attribute_not_exists(id)"


def test_identical_puts_leave_one_record(table: Table) -> None:
    """W01, S-01, S-31, S-58: three identical PutItem calls right after CreateTable leave one INSERT and one item."""
    for _ in range(3):
        table.put("t", A)
    assert table.names() == ["INSERT"]
    assert table.get("t") == item("t", A)


def test_an_update_to_the_same_value_leaves_no_record(table: Table) -> None:
    """W02, S-32: SET of the value that is there already writes nothing."""
    table.put("t", A)
    table.update("t", "SET v = :v", ExpressionAttributeValues={":v": {"S": "a"}})
    assert table.names() == ["INSERT"]


def test_an_upsert_leaves_one_insert(table: Table) -> None:
    """W03, S-36: UpdateItem on a missing key is one INSERT, with the whole item as new image."""
    table.update("t", "SET v = :v", ExpressionAttributeValues={":v": {"S": "a"}})
    (record,) = table.records()
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == item("t", A)
    assert "OldImage" not in record["dynamodb"]


def test_adding_nothing_leaves_no_record(table: Table) -> None:
    """W04, S-32: ADD of zero to a number writes nothing."""
    table.put("t", {"c": {"N": "5"}})
    table.update("t", "ADD c :zero", ExpressionAttributeValues={":zero": {"N": "0"}})
    assert table.names() == ["INSERT"]


def test_deleting_a_missing_item_leaves_no_record(table: Table) -> None:
    """W05, S-37: DeleteItem succeeds on a missing key, and writes nothing."""
    table.delete("t")
    assert table.names() == []


def test_the_spelling_of_a_number_is_no_change(table: Table) -> None:
    """W06, S-34: 1, 1.0, 01 and 1e0 are one number, stored as 1."""
    for spelling in ("1", "1.0", "01", "1e0", "+1"):
        table.put("t", {"n": {"N": spelling}})
    assert table.names() == ["INSERT"]
    assert table.get("t") == item("t", {"n": {"N": "1"}})


@pytest.mark.parametrize(
    "spelling, stored",
    [
        ("-0.0", "0"),
        ("1.50", "1.5"),
        ("1E+20", "1" + "0" * 20),
        ("1E-20", "0." + "0" * 19 + "1"),
        ("-12.340e2", "-1234"),
        ("9" * 38, "9" * 38),
        ("0.1234567890123456789012345678901234567", "0.1234567890123456789012345678901234567"),
    ],
)
def test_numbers_are_stored_without_needless_zeros(table: Table, spelling: str, stored: str) -> None:
    """S-34: leading and trailing zeros are trimmed, exponents are written out, 38 digits are kept."""
    table.put("t", {"n": {"N": spelling}})
    assert table.get("t")["n"] == {"N": stored}


def test_the_order_of_a_set_is_no_change(table: Table) -> None:
    """W07, S-34: sets have no order, in string sets, number sets and binary sets."""
    table.put("t", {"s": {"SS": ["a", "b"]}, "n": {"NS": ["1", "10", "9"]}, "b": {"BS": [b"x", b"y"]}})
    table.put("t", {"n": {"NS": ["9.0", "1", "10"]}, "b": {"BS": [b"y", b"x"]}, "s": {"SS": ["b", "a"]}})
    assert table.names() == ["INSERT"]
    assert table.get("t")["n"] == {"NS": ["1", "9", "10"]}


def test_the_order_of_a_map_is_no_change(table: Table) -> None:
    """W07, S-34: the members of a map have no order."""
    table.put("t", {"m": {"M": {"a": {"N": "1"}, "b": {"L": []}}}})
    table.put("t", {"m": {"M": {"b": {"L": []}, "a": {"N": "1.0"}}}})
    assert table.names() == ["INSERT"]


def test_the_order_of_a_list_is_a_change(table: Table) -> None:
    """W08, S-34: a list in another order is another value."""
    table.put("t", {"l": {"L": [{"S": "a"}, {"S": "b"}]}})
    table.put("t", {"l": {"L": [{"S": "b"}, {"S": "a"}]}})
    assert table.names() == ["INSERT", "MODIFY"]


def test_there_and_back_are_two_changes(table: Table) -> None:
    """W09, S-35: A, B, A leaves an INSERT and two MODIFY, each with the image before and after."""
    for value in (A, B, A):
        table.put("t", value)
    images = [(r["eventName"], r["dynamodb"].get("OldImage"), r["dynamodb"]["NewImage"]) for r in table.records()]
    a, b = item("t", A), item("t", B)
    assert images == [("INSERT", None, a), ("MODIFY", a, b), ("MODIFY", b, a)]


def test_an_update_of_the_key_alone_leaves_no_record_for_an_item_that_exists(table: Table) -> None:
    """W10, S-32: UpdateItem without an expression creates a missing item, and does nothing to one that exists."""
    table.put("t", A)
    table.update("t")
    assert table.names() == ["INSERT"]
    assert table.update("new", ReturnValues="ALL_NEW")["Attributes"] == item("new")
    assert table.names() == ["INSERT", "INSERT"]


@pytest.mark.parametrize("returned", [None, "ALL_OLD"])
def test_a_failed_condition_changes_nothing(table: Table, returned: str | None) -> None:
    """W11, S-03, S-05, S-37: no change, no record; the exception carries the item where it was asked for."""
    table.put("t", A)
    asked = {"ReturnValuesOnConditionCheckFailure": returned} if returned else {}
    for call in (
        lambda: table.put("t", B, ConditionExpression=ABSENT, **asked),
        lambda: table.delete("t", ConditionExpression=ABSENT, **asked),
        lambda: table.update("t", "REMOVE v", ConditionExpression=ABSENT, **asked),
    ):
        answer = refusal(call)
        assert code(answer) == "ConditionalCheckFailedException"
        assert answer.get("Item") == (item("t", A) if returned else None)
    assert table.scan() == [item("t", A)]
    assert table.names() == ["INSERT"]


def test_a_failed_condition_on_a_missing_item_carries_no_item(table: Table) -> None:
    """S-03: there is nothing to return."""
    answer = refusal(
        table.update,
        "t",
        "SET v = :v",
        ConditionExpression="attribute_exists(id)",
        ExpressionAttributeValues={":v": {"S": "a"}},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    assert code(answer) == "ConditionalCheckFailedException"
    assert "Item" not in answer


def test_the_first_version_wins(table: Table) -> None:
    """W12, S-02, S-04: of several writers with the same expected version one wins, with one record."""
    table.put("t", {"version": {"N": "1"}})
    codes = []
    for writer in range(4):
        try:
            table.update(
                "t",
                "SET version = :next, who = :who",
                ConditionExpression="version = :expected",
                ExpressionAttributeValues={
                    ":next": {"N": "2"},
                    ":who": {"S": str(writer)},
                    ":expected": {"N": "1"},
                },
            )
            codes.append("ok")
        except table.database.writes.exceptions.ConditionalCheckFailedException:
            codes.append("lost")
    assert codes == ["ok", "lost", "lost", "lost"]
    assert table.names() == ["INSERT", "MODIFY"]


def test_an_add_is_not_idempotent(table: Table) -> None:
    """S-06, S-13: the same ADD twice counts twice, with two records."""
    for _ in range(2):
        table.update("t", "ADD c :one", ExpressionAttributeValues=ONE)
    assert table.get("t")["c"] == {"N": "2"}
    assert table.names() == ["INSERT", "MODIFY"]


def test_a_transaction_leaves_no_record_for_what_it_does_not_change(table: Table) -> None:
    """W13, S-33: an identical Put and an Update to the same value inside TransactWriteItems write nothing."""
    table.put("put", A)
    table.put("update", A)
    table.transact(
        table.action("Put", "put", A),
        table.action("Update", "update", UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "a"}}),
        table.action("Delete", "missing"),
    )
    assert table.names() == ["INSERT", "INSERT"]


def test_a_cancelled_transaction_names_a_reason_for_each_action(table: Table) -> None:
    """W18, S-03: in request order, with the item where the action asks for it."""
    table.put("there", A)
    asked = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    answer = refusal(
        table.transact,
        table.action("Put", "fine", A),
        table.action("Put", "there", B, ConditionExpression=ABSENT, **asked),
        table.action("ConditionCheck", "missing", ConditionExpression="attribute_exists(id)", **asked),
        table.action("Delete", "there2"),
    )
    codes = [reason["Code"] for reason in answer["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed", "ConditionalCheckFailed", "None"]
    items = [reason.get("Item") for reason in answer["CancellationReasons"]]
    assert items == [None, item("there", A), None, None]
    assert "[None, ConditionalCheckFailed, ConditionalCheckFailed, None]" in answer["Error"]["Message"]


def test_a_condition_check_leaves_no_record(table: Table) -> None:
    """W19, S-37: a ConditionCheck that holds changes nothing."""
    table.put("t", A)
    table.transact(
        table.action("ConditionCheck", "t", ConditionExpression="attribute_exists(id)"),
        table.action("Put", "other", A),
    )
    assert table.names() == ["INSERT", "INSERT"]


def test_a_batch_leaves_no_record_for_what_it_does_not_change(table: Table) -> None:
    """W20, S-23, S-33: identical puts and deletes of missing items in BatchWriteItem write nothing."""
    table.put("t", A)
    answer = table.database.writes.batch_write_item(
        RequestItems={
            table.name: [
                {"PutRequest": {"Item": item("t", A)}},
                {"PutRequest": {"Item": item("new", A)}},
                {"DeleteRequest": {"Key": item("missing")}},
            ]
        }
    )
    assert answer["UnprocessedItems"] == {}
    assert [record["dynamodb"]["Keys"] for record in table.records()] == [item("t"), item("new")]


def test_a_batch_writes_one_record_for_each_change(table: Table) -> None:
    """W20, S-33: the order among them is not promised (differences)."""
    table.put("old", A)
    requests = [{"DeleteRequest": {"Key": item("old")}}, {"PutRequest": {"Item": item("new", A)}}]
    table.database.writes.batch_write_item(RequestItems={table.name: requests})
    order = OBSERVED["order of records of a BatchWriteItem"]
    assert table.names()[1:] == getattr(order, table.database.platform)
