"""Streams and how they are read, as semantics.md has them (B), on the embedded services and DynamoDB Local."""

from __future__ import annotations

import re
from typing import Any

import pytest
from database import Database, Table, code, item, refusal
from differences import OBSERVED

A, B = {"v": {"S": "a"}}, {"v": {"S": "b"}}


def _expected(question: str, table: Table) -> Any:
    return getattr(OBSERVED[question], table.database.platform)


@pytest.mark.parametrize(
    "view_type, images",
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_view_types(database: Database, view_type: str, images: set[str]) -> None:
    """W23, S-44, S-45: each view type carries its images, and KEYS_ONLY has a record for a non-key change too."""
    table = database.table(view_type)
    table.put("t", A)
    table.put("t", B)
    table.delete("t")
    records = table.records()
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    found = [{"NewImage", "OldImage"} & set(record["dynamodb"]) for record in records]
    assert found == [images - {"OldImage"}, images, images - {"NewImage"}]
    assert {record["dynamodb"]["StreamViewType"] for record in records} == {view_type}


def test_the_parts_of_a_record(table: Table) -> None:
    """W24, S-43, S-57: names, keys, size; the forms in which the platforms differ are in the table of differences."""
    table.put("t", {"n": {"N": "-12.5"}, "s": {"SS": ["ab", "c"]}, "flag": {"BOOL": True}, "b": {"B": b"xyz"}})
    (record,) = table.records()
    assert set(record) == {"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb"}
    assert (record["eventVersion"], record["eventSource"]) == ("1.1", "aws:dynamodb")
    change = record["dynamodb"]
    assert change["Keys"] == item("t")
    assert change["SizeBytes"] == 24
    assert re.fullmatch(_expected("form of an eventID", table), record["eventID"])
    resolution = _expected("resolution of ApproximateCreationDateTime, in seconds", table)
    assert change["ApproximateCreationDateTime"].timestamp() % resolution == 0
    assert re.fullmatch(r"\d{21,40}", change["SequenceNumber"])


def test_records_of_one_item_are_in_order(table: Table) -> None:
    """W24, S-30, S-39, S-40, S-41: each change once, in order, with growing numbers; eventIDs are all different."""
    for _ in range(20):
        table.update("t", "ADD c :one", ExpressionAttributeValues={":one": {"N": "1"}})
    records = table.records()
    assert [record["dynamodb"]["NewImage"]["c"]["N"] for record in records] == [str(n) for n in range(1, 21)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert sorted(numbers, key=int) == numbers
    assert len(set(numbers)) == len({record["eventID"] for record in records}) == 20
    same_length = len({len(number) for number in numbers}) == 1
    assert same_length == _expected("sequence numbers have the same length", table)


def test_limit(table: Table) -> None:
    """W25, S-49: Limit goes up to 1000."""
    read, iterator = table.database.reads.get_records, table.iterator()
    assert read(ShardIterator=iterator, Limit=1000)["Records"] == []
    assert code(refusal(read, ShardIterator=iterator, Limit=1001)) == "ValidationException"


def test_a_page_is_at_most_a_megabyte(table: Table) -> None:
    """S-49: AWS caps a page at 1 MB; DynamoDB Local does not."""
    for number in range(4):
        table.put(str(number), {"note": {"S": "x" * 300_000}})
    page = table.database.reads.get_records(ShardIterator=table.iterator())
    assert (len(page["Records"]) == 3) == _expected("largest page of GetRecords is 1 MB", table)


def test_an_iterator_can_be_read_again(table: Table) -> None:
    """W26, S-43, S-56: the same iterator gives the same records, with the same eventIDs."""
    table.put("t", A)
    table.put("t", B)
    iterator = table.iterator()
    first, second = (table.database.reads.get_records(ShardIterator=iterator)["Records"] for _ in range(2))
    assert first == second
    assert len(first) == 2


def test_sequence_number_iterators_resume_exactly(table: Table) -> None:
    """W27, S-56: AT starts with the record, AFTER behind it; NextShardIterator goes on from there."""
    for number in range(4):
        table.put("t", {"v": {"N": str(number)}})
    numbers = [record["dynamodb"]["SequenceNumber"] for record in table.records()]
    for type, start in (("AT_SEQUENCE_NUMBER", 1), ("AFTER_SEQUENCE_NUMBER", 2)):
        iterator = table.iterator(type, SequenceNumber=numbers[1])
        for expected in numbers[start:]:
            page = table.database.reads.get_records(ShardIterator=iterator, Limit=1)
            assert [record["dynamodb"]["SequenceNumber"] for record in page["Records"]] == [expected]
            iterator = page["NextShardIterator"]


def test_latest_shows_only_what_comes_later(table: Table) -> None:
    """W28, S-56: nothing at first, then the next change alone."""
    table.put("t", A)
    iterator = table.iterator("LATEST")
    page = table.database.reads.get_records(ShardIterator=iterator)
    assert page["Records"] == []
    table.put("t", B)
    for token in (iterator, page["NextShardIterator"]):
        records = table.database.reads.get_records(ShardIterator=token)["Records"]
        assert [record["eventName"] for record in records] == ["MODIFY"]


def test_a_stream_that_was_disabled_stays_readable(table: Table) -> None:
    """W29, S-50, S-53: its shard is closed and has no next iterator; enabling again gives a new ARN."""
    database, old = table.database, table.stream_arn()
    table.put("t", A)
    iterator = table.iterator()
    database.writes.update_table(TableName=table.name, StreamSpecification={"StreamEnabled": False})
    table.put("t", B)
    described = database.reads.describe_stream(StreamArn=old)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
    page = database.reads.get_records(ShardIterator=iterator)
    assert [record["eventName"] for record in page["Records"]] == ["INSERT"]
    assert page.get("NextShardIterator") is None
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    database.writes.update_table(TableName=table.name, StreamSpecification=specification)
    assert table.stream_arn() != old
    table.put("t", A)
    assert table.names() == ["MODIFY"]
    listed = database.reads.list_streams(TableName=table.name)["Streams"]
    assert {stream["StreamArn"] for stream in listed} == {old, table.stream_arn()}


def test_a_table_says_what_its_latest_stream_is(table: Table) -> None:
    """S-53: DescribeTable names the latest stream, enabled or not; disabling twice is refused."""
    database, arn = table.database, table.stream_arn()
    off = {"TableName": table.name, "StreamSpecification": {"StreamEnabled": False}}
    described = database.writes.update_table(**off)["TableDescription"]
    assert described["LatestStreamArn"] == arn
    assert arn.endswith(described["LatestStreamLabel"])
    assert "StreamSpecification" not in described
    assert code(refusal(database.writes.update_table, **off)) == "ValidationException"


def test_a_transaction_writes_plain_records_in_request_order(table: Table) -> None:
    """W30, S-54: one record for each changed item, in request order, with nothing that ties them together."""
    for id in ("gone", "changed"):
        table.put(id, A)
    table.transact(
        table.action("Delete", "gone"),
        table.action("Put", "new", A),
        table.action("ConditionCheck", "other", ConditionExpression="attribute_not_exists(id)"),
        table.action("Update", "changed", UpdateExpression="REMOVE v"),
    )
    records = table.records()[2:]
    found = [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"]) for record in records]
    assert found == [("REMOVE", "gone"), ("INSERT", "new"), ("MODIFY", "changed")]


def test_a_deleted_table_leaves_its_stream(table: Table) -> None:
    """S-53: the stream of a table that was deleted stays, closed."""
    arn = table.stream_arn()
    table.database.writes.delete_table(TableName=table.name)
    described = table.database.reads.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"


def test_what_reading_refuses(table: Table) -> None:
    """Iterators, shards and streams that are none; a sequence number where none belongs, or none where one does."""
    table.put("t", A)
    reads, arn, shard = table.database.reads, table.stream_arn(), table.shard_id()
    number = table.records()[0]["dynamodb"]["SequenceNumber"]
    position = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "LATEST"}
    ask = reads.get_shard_iterator
    no_shard = {**position, "ShardId": "shardId-00000001541626099285-f35f62ef"}
    assert code(refusal(ask, **no_shard)) == "ResourceNotFoundException"
    assert code(refusal(ask, **{**position, "StreamArn": f"{arn[:-3]}xyz"})) == "ResourceNotFoundException"
    assert code(refusal(ask, **position, SequenceNumber=number)) == "ValidationException"
    assert code(refusal(ask, **{**position, "ShardIteratorType": "AT_SEQUENCE_NUMBER"})) == "ValidationException"
    assert code(refusal(reads.get_records, ShardIterator="x" * 40)) == "ValidationException"
    unknown = {**position, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "9" * 30}
    expected = _expected("code for a sequence number never given out", table)
    assert code(refusal(ask, **unknown)) == expected
