"""How a template is read whose function a Kinesis stream triggers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_template import after, write

from harness.errors import UserError
from harness.pipeline.resources import DataStream
from harness.pipeline.stack import SOURCE, VIEW
from harness.pipeline.template import read

STREAM = """
    Type: AWS::Kinesis::Stream
    Properties: {ShardCount: 2, RetentionPeriodHours: 24, Tags: [{Key: a, Value: b}]}
  Rows:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}"""
TABLE = """
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}"""
ITEMS = ("  Items:" + TABLE, "  Items:" + STREAM)
FED = ("!GetAtt Items.StreamArn", "!GetAtt Items.Arn")


def problems(template: Path, **more: Any) -> str:
    with pytest.raises(UserError) as error:
        read(template, "run", **more)
    return str(error.value)


def test_the_stream_is_the_source(tmp_path: Path) -> None:
    """With its shards, under a name that is known beforehand; no item of it expires."""
    stack = read(write(tmp_path, ITEMS, FED), "run")
    assert stack.source == DataStream("Items", "run-Items", 2, role=SOURCE)
    assert stack.source.arn == "arn:aws:kinesis:us-east-1:123456789012:stream/run-Items"
    assert (stack.time_to_live, stack.not_imitated) == (None, ())
    assert [table.role for table in stack.tables] == [None]


@pytest.mark.parametrize(
    "properties, shards",
    [
        ("{}", 1),
        ("{ShardCount: 3, Name: mine}", 3),
        ("{StreamModeDetails: {StreamMode: ON_DEMAND}}", 4),
    ],
)
def test_how_many_shards_it_has_is_as_on_aws(tmp_path: Path, properties: str, shards: int) -> None:
    """One unless told otherwise, and four at first where AWS decides."""
    own = ("{ShardCount: 2, RetentionPeriodHours: 24, Tags: [{Key: a, Value: b}]}", properties)
    source = read(write(tmp_path, ITEMS, FED, own), "run").source
    assert isinstance(source, DataStream)
    assert source.shards == shards
    assert source.name == ("mine" if "mine" in properties else "run-Items")


@pytest.mark.parametrize(
    "change, told",
    [
        (("RetentionPeriodHours: 24", "MaxRecordSizeInKiB: 2048"), "MaxRecordSizeInKiB of a AWS::Kinesis::Stream"),
    ],
)
def test_what_is_not_imitated_is_named(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """Other platforms can do it: reading goes on."""
    [reason] = read(write(tmp_path, ITEMS, FED, change), "run").not_imitated
    assert told in reason


def test_a_longer_retention_is_noted(tmp_path: Path) -> None:
    """Embedded, records stay a day, which matters to a batch that is stuck for so long."""
    stack = read(write(tmp_path, ITEMS, FED, ("RetentionPeriodHours: 24", "RetentionPeriodHours: 48")), "run")
    assert stack.not_imitated == ()
    assert "RetentionPeriodHours: embedded, records stay 24 hours" in stack.noted[0]


def test_a_position_in_time_is_refused(tmp_path: Path) -> None:
    """AT_TIMESTAMP, which a Kinesis stream alone has."""
    told = problems(write(tmp_path, ITEMS, FED, ("LATEST", "AT_TIMESTAMP")))
    assert "StartingPosition: got 'AT_TIMESTAMP'. Did you mean 'LATEST'? Known: LATEST, TRIM_HORIZON" in told


def test_a_consumer_of_its_own_reads_the_stream(tmp_path: Path) -> None:
    """Enhanced fan-out is a faster reader of the same records."""
    consumer = (
        "  Fan: {Type: AWS::Kinesis::StreamConsumer, Properties: {StreamARN: !GetAtt Items.Arn, ConsumerName: c}}"
    )
    changes = (ITEMS, ("!GetAtt Items.StreamArn", "!GetAtt Fan.ConsumerARN"), after("Resources:", consumer))
    assert read(write(tmp_path, *changes), "run").source.logical_id == "Items"


@pytest.mark.parametrize("role", ["ledger", "view", "state"])
def test_a_stream_is_no_sink(tmp_path: Path, role: str) -> None:
    """Nobody reads effects back from one."""
    given = (
        "    Type: AWS::Kinesis::Stream",
        f"    Type: AWS::Kinesis::Stream\n    Metadata: {{harness: {{role: {role}}}}}",
    )
    told = problems(write(tmp_path, ITEMS, FED, given))
    assert f"Items.Metadata.harness.role: a Kinesis stream can only be the 'source', not '{role}'" in told


def test_a_view_needs_a_table_as_its_source(tmp_path: Path) -> None:
    """It is compared with the source's items, and a stream has none."""
    told = problems(write(tmp_path, ITEMS, FED), sinks={"Rows": VIEW})
    assert "is a 'view' of a table's items, and the source is a Kinesis stream: make it a 'ledger'" in told
    assert read(write(tmp_path), "run", sinks={}).time_to_live is None


def test_of_two_functions_with_streams_one_is_named(tmp_path: Path) -> None:
    """Whatever the kind of their streams; the other's mapping stands still."""
    other = """
  Alarms: {Type: AWS::Kinesis::Stream}
  Alarm:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.13, Handler: app.handler, Code: {S3Bucket: b, S3Key: k}}
  OnAlarm:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Alarms.Arn, FunctionName: !Ref Alarm, StartingPosition: LATEST}"""
    template = write(tmp_path, after("Resources:", other[1:]))
    assert "2 functions of" in problems(template)
    stack = read(template, "run", logical_id="Alarm")
    assert (stack.source.logical_id, stack.mapping_id, stack.other_mapping_ids) == ("Alarms", "OnAlarm", ("Trigger",))
    assert read(template, "run", logical_id="Handle").source.logical_id == "Items"
