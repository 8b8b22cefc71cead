"""The embedded DynamoDB Streams: what needs a clock or several shards, which no real server gives a test."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dynamodb.values import checked as canonical
from harness.dynamodb.values import number, size
from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.platforms.base import Request
from harness.platforms.embedded.services.streams import VIEW_TYPES, Stream, Streams, event_name, stream_record

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/Todos"
KEY_SCHEMA = [{"AttributeName": "id", "KeyType": "HASH"}]


class Bench:
    """Streams with a clock that the test sets."""

    def __init__(self, shards: int = 1, seed: int = 1) -> None:
        self.time = 1_700_000_000 * SECOND + 123_456
        self.appended: list[tuple[str, str]] = []
        note = self.appended.append
        self.streams = Streams(lambda: self.time, Seed(seed), shards, lambda arn, shard: note((arn, shard)))

    def open(self, view_type: str = "NEW_AND_OLD_IMAGES") -> Stream:
        return self.streams.open("Todos", TABLE_ARN, KEY_SCHEMA, view_type)

    def change(self, stream: Stream, id: str, before: str | None, after: str | None) -> None:
        self.streams.changed(stream, {"id": {"S": id}}, _image(id, before), _image(id, after))

    def call(self, operation: str, **body: Any) -> Any:
        request = Request("dynamodbstreams", operation, "POST", "", {}, json.dumps(body).encode())
        return json.loads(self.streams.handle(request).body)

    def iterator(self, stream: Stream, shard: int = 0, type: str = "TRIM_HORIZON", **more: Any) -> Any:
        return self.call(
            "GetShardIterator",
            StreamArn=stream.arn,
            ShardId=stream.shards[shard].id,
            ShardIteratorType=type,
            **more,
        )

    def read(self, stream: Stream, shard: int = 0, **more: Any) -> Any:
        return self.call("GetRecords", ShardIterator=self.iterator(stream, shard)["ShardIterator"], **more)


def _image(id: str, value: str | None) -> Any:
    return None if value is None else {"id": {"S": id}, "v": {"S": value}}


def _numbers(page: Any) -> list[str]:
    return [record["dynamodb"]["SequenceNumber"] for record in page["Records"]]


def test_an_iterator_lives_for_fifteen_minutes() -> None:
    """S-48: it can be read again until then; after that ExpiredIteratorException. Each page brings a fresh one."""
    bench = Bench()
    stream = bench.open()
    bench.change(stream, "a", None, "x")
    token = bench.iterator(stream)["ShardIterator"]
    bench.time += 15 * MINUTE - 1
    following = bench.call("GetRecords", ShardIterator=token)["NextShardIterator"]
    bench.time += 1
    assert bench.call("GetRecords", ShardIterator=token)["__type"] == "ExpiredIteratorException"
    assert bench.call("GetRecords", ShardIterator=following)["Records"] == []


def test_records_live_for_a_day() -> None:
    """S-46: then TRIM_HORIZON starts behind them, and their sequence numbers are TrimmedDataAccessException."""
    bench = Bench()
    stream = bench.open()
    bench.change(stream, "a", None, "x")
    bench.time += HOUR
    bench.change(stream, "a", "x", "y")
    first, second = _numbers(bench.read(stream))
    bench.time += 23 * HOUR - 10 * MINUTE
    stale = bench.iterator(stream)["ShardIterator"]
    bench.time += 10 * MINUTE
    assert _numbers(bench.read(stream)) == [second]
    refused = bench.iterator(stream, type="AT_SEQUENCE_NUMBER", SequenceNumber=first)
    assert refused["__type"] == "TrimmedDataAccessException"
    assert bench.call("GetRecords", ShardIterator=stale)["__type"] == "TrimmedDataAccessException"
    bench.time += HOUR
    refused = bench.iterator(stream, type="AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    assert refused["__type"] == "TrimmedDataAccessException"
    assert bench.read(stream)["Records"] == []


def test_a_page_has_at_most_a_megabyte_and_at_least_a_record() -> None:
    """S-49: five records of about 400 kB come two by two."""
    bench = Bench()
    stream = bench.open()
    for position in range(5):
        bench.change(stream, str(position), None, "x" * 400_000)
    token, pages = bench.iterator(stream)["ShardIterator"], []
    for _ in range(3):
        page = bench.call("GetRecords", ShardIterator=token)
        pages.append(len(page["Records"]))
        token = page["NextShardIterator"]
    assert pages == [2, 2, 1]


@pytest.mark.parametrize("limit, refused", [(0, True), (1, False), (1000, False), (1001, True)])
def test_limit(limit: int, refused: bool) -> None:
    """S-49: 1 to 1000, anything else is a ValidationException."""
    bench = Bench()
    answer = bench.read(bench.open(), Limit=limit)
    assert (answer.get("__type") == "ValidationException") == refused


@given(ids=st.lists(st.sampled_from("abcdefgh"), max_size=30), shards=st.integers(1, 4), seed=st.integers(0, 9))
def test_the_records_of_an_item_are_in_one_shard_in_order(ids: list[str], shards: int, seed: int) -> None:
    """S-30, S-39, S-40, S-41: every record once, in a shard that its key chooses, with growing numbers."""
    bench = Bench(shards, seed)
    stream = bench.open("NEW_IMAGE")
    for position, id in enumerate(ids):
        bench.change(stream, id, None, str(position))
    pages = [bench.read(stream, shard) for shard in range(shards)]
    for page in pages:
        numbers = [int(number) for number in _numbers(page)]
        assert numbers == sorted(set(numbers))
    found = [record for page in pages for record in page["Records"]]
    assert len({record["eventID"] for record in found}) == len(ids)
    for id in set(ids):
        homes = [page for page in pages if any(r["dynamodb"]["Keys"] == {"id": {"S": id}} for r in page["Records"])]
        assert len(homes) == 1
        values = [r["dynamodb"]["NewImage"]["v"]["S"] for r in found if r["dynamodb"]["Keys"] == {"id": {"S": id}}]
        assert values == [str(position) for position, other in enumerate(ids) if other == id]


def test_several_shards_are_all_used_and_described() -> None:
    """S-47: DescribeStream lists them, page by page; they close together, each read to its end."""
    bench = Bench(shards=3)
    stream = bench.open()
    for position in range(30):
        bench.change(stream, str(position), None, "x")
    assert all(bench.read(stream, shard)["Records"] for shard in range(3))
    first = bench.call("DescribeStream", StreamArn=stream.arn, Limit=2)["StreamDescription"]
    last = first["LastEvaluatedShardId"]
    rest = bench.call("DescribeStream", StreamArn=stream.arn, ExclusiveStartShardId=last)["StreamDescription"]
    assert [shard["ShardId"] for shard in first["Shards"] + rest["Shards"]] == [shard.id for shard in stream.shards]
    bench.streams.close(stream)
    for shard in range(3):
        page = bench.read(stream, shard, Limit=1)
        assert "NextShardIterator" in page
        assert "NextShardIterator" not in bench.read(stream, shard)


def test_two_streams_of_a_table_in_one_moment_have_two_names() -> None:
    """S-53: a stream that is enabled again has a new ARN, even if no time went by."""
    bench = Bench()
    first = bench.open()
    bench.streams.close(first)
    assert bench.open().arn != first.arn
    assert [stream["StreamLabel"] for stream in bench.call("ListStreams")["Streams"]] == [
        "2023-11-14T22:13:20.123",
        "2023-11-14T22:13:20.124",
    ]


def test_whoever_waits_is_told_of_each_record() -> None:
    """on_record is called once for each record, with its stream and shard, and not for what changed nothing."""
    bench = Bench()
    stream = bench.open()
    bench.change(stream, "a", None, "x")
    bench.change(stream, "a", "x", "x")
    assert bench.appended == [(stream.arn, stream.shards[0].id)]


def test_sequence_numbers_are_not_in_text_order() -> None:
    """S-41: their lengths differ, so a comparison as text is caught in a run of ten records."""
    bench = Bench()
    stream = bench.open()
    for position in range(12):
        bench.change(stream, "a", str(position), str(position + 1))
    numbers = _numbers(bench.read(stream))
    assert sorted(numbers) != numbers == sorted(numbers, key=int)
    assert all(21 <= len(number) <= 40 for number in numbers)


def test_what_is_not_imitated_is_named() -> None:
    """No guessing: the operation or parameter is in the message."""
    bench = Bench()
    with pytest.raises(NotImitated, match=r"dynamodbstreams\.GetEverything is not imitated"):
        bench.call("GetEverything")
    with pytest.raises(NotImitated, match="ShardFilter"):
        bench.call("DescribeStream", StreamArn=bench.open().arn, ShardFilter={"Type": "CHILD_SHARDS"})


VALUES = st.recursive(
    st.one_of(
        st.text(max_size=3).map(lambda text: {"S": text}),
        st.integers(-99, 99).map(lambda whole: {"N": str(whole)}),
        st.sets(st.text(max_size=2), min_size=1, max_size=3).map(lambda found: {"SS": sorted(found)}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: {"L": found}),
        st.dictionaries(st.text(max_size=2), inner, max_size=3).map(lambda found: {"M": found}),
    ),
    max_leaves=5,
)
IMAGES = st.none() | st.dictionaries(st.text(max_size=2), VALUES, max_size=3)


@settings(max_examples=50)
@given(before=IMAGES, after=IMAGES, view_type=st.sampled_from(VIEW_TYPES))
def test_a_record_says_what_changed(before: Any, after: Any, view_type: str) -> None:
    """S-31 to S-37, S-44, S-57: none where nothing changed; else the event, the images of the view, whole seconds."""
    keys = {"id": {"S": "a"}}
    record = stream_record(view_type, keys, before, after, "7", "e", 1_999_999)
    if before == after:
        assert record is None
        return
    assert record is not None
    expected = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    assert record["eventName"] == event_name(before, after) == expected
    change = record["dynamodb"]
    assert change["ApproximateCreationDateTime"] == 1
    assert change.get("OldImage") == (before if view_type in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") else None)
    assert change.get("NewImage") == (after if view_type in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES") else None)
    images = [change[name] for name in ("OldImage", "NewImage") if name in change]
    assert change["SizeBytes"] == size(keys) + sum(size(image) for image in images)


@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_a_number_has_one_spelling(value: Any) -> None:
    """S-34: however it is written, and written out, it is the same number, and its spelling is stable."""
    spellings = {number(str(value)), number(f"{value:e}"), number(f"{value:f}0"), number(number(str(value)))}
    assert len(spellings) == 1
    assert float(spellings.pop()) == float(value)


@given(elements=st.lists(st.text(min_size=1, max_size=3), unique=True, min_size=1, max_size=5), draw=st.randoms())
def test_a_set_has_one_order(elements: list[str], draw: Any) -> None:
    """S-34: whatever order the request has."""
    shuffled = draw.sample(elements, len(elements))
    assert canonical({"SS": shuffled}) == canonical({"SS": elements})


def test_the_seed_says_which_record_has_one_more_digit() -> None:
    """After three records, after four, and up to after 15; the numbers grow all the same (S-41)."""
    first_longer = set()
    for seed in range(150):
        bench = Bench(seed=seed)
        stream = bench.open()
        for change in range(24):
            bench.change(stream, f"todo-{change}", None, "x")
        records = bench.call("GetRecords", ShardIterator=bench.iterator(stream)["ShardIterator"])["Records"]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        assert sorted(numbers, key=int) == numbers
        assert sorted({len(each) for each in numbers}) == [22, 23]
        first_longer.add(next(place for place, each in enumerate(numbers) if len(each) == 23))
    assert first_longer == set(range(3, 16))
