"""`init` writes what can be run at once, or what needs only the user's own words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main

OWN = Path(__file__).parents[1] / "own_template"


def harness(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_empty_folder_gets_a_pipeline_that_is_valid(there: Path) -> None:
    """Template, handler and scenario; the command that it names runs them, with the fault that they are about."""
    said = harness("init", "shop")
    assert said.exit_code == 0, said.output
    assert [str(file.relative_to(there)) for file in sorted((there / "shop").rglob("*.*"))] == [
        "shop/scenario.yaml",
        "shop/src/app.py",
        "shop/template.yaml",
    ]
    command = said.output.splitlines()[-1].split()
    assert command == ["python", "-m", "harness", "run", "shop/scenario.yaml"]
    done = harness(*command[3:], "--platform", "embedded")
    assert done.exit_code == 0, done.output
    assert "valid" in done.output


def test_the_current_folder_is_meant_unless_one_is_named(there: Path) -> None:
    """The scenario is named after it."""
    (there / "My Shop").mkdir()
    assert harness("init", "My Shop").exit_code == 0
    assert "scenario: my-shop\n" in (there / "My Shop" / "scenario.yaml").read_text()
    assert harness("init").exit_code == 0
    assert (there / "scenario.yaml").is_file()


def test_what_is_there_is_left_as_it_is(there: Path) -> None:
    """Nothing is written when one of the files would be written over."""
    (there / "scenario.yaml").write_text("mine")
    said = harness("init")
    assert said.exit_code == 254
    assert "scenario.yaml: is there already, and is left as it is" in said.output
    assert [file.name for file in there.iterdir()] == ["scenario.yaml"]
    assert (there / "scenario.yaml").read_text() == "mine"


@pytest.mark.parametrize("own", ["orders", "readings"])
def test_a_foreign_template_gets_a_scenario(own: str, there: Path) -> None:
    """It names the function, the tables that may be sinks and the keys of items, and there is no mistake in it."""
    shutil.copytree(OWN / own, there / own, ignore=shutil.ignore_patterns("scenario.yaml"))
    said = harness("init", own)
    assert said.exit_code == 0, said.output
    checked = harness("lint", f"{own}/scenario.yaml")
    assert checked.exit_code == 0, checked.output
    text = (there / own / "scenario.yaml").read_text()
    if own == "readings":
        assert "  function: Projector   # or Alarm\n" in text
        assert "    Newest: {role: ledger, intent: intent}\n    AlarmLog:" in text
        assert "- {site: readings-2, sensor: 2}\n" in (there / own / "items.yaml").read_text()
    else:
        assert "function:" not in text
        assert "    InvoicesTable: {role: ledger, intent: intent}\nworkload:" in text


def test_a_template_that_is_no_pipeline_is_refused(there: Path) -> None:
    """With what is wrong in it, and where."""
    (there / "template.yaml").write_text("Resources: {Bucket: {Type: AWS::S3::Bucket}}")
    said = harness("init")
    assert said.exit_code == 254
    assert "template.yaml:1:1: Resources: a pipeline has one AWS::Lambda::EventSourceMapping" in said.output


PIPELINE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Todos:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
  Effects: {Type: AWS::Serverless::SimpleTable, Metadata: {harness: {role: ledger}}}
  Markers: {Type: AWS::Serverless::SimpleTable}
  Consumer:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      CodeUri: src/
      Handler: app.handler
      Environment: {Variables: {EFFECTS: !Ref Effects, MARKERS: !Ref Markers}}
      Events:
        Changed: {Type: DynamoDB, Properties: {Stream: !GetAtt Todos.StreamArn, StartingPosition: TRIM_HORIZON}}
"""
HANDLER = """
import os
import boto3

tables = boto3.resource("dynamodb")
effects, markers = tables.Table(os.environ["EFFECTS"]), tables.Table(os.environ["MARKERS"])

def handler(event, context):
    for record in event["Records"]:
        image, number = record["dynamodb"]["NewImage"], record["dynamodb"]["SequenceNumber"]
        if is_new(record, image["id"]["S"], number):
            key = record["eventID"]
            effects.put_item(Item={"id": key, "intent": image["intent"]["S"], "item": image["id"]["S"]})
"""
FORGET_REPEATED = """
def is_new(record, item, number):
    marker = {"id": f"{item} {record['eventName']}", "by": record["eventID"]}
    return markers.put_item(Item=marker, ReturnValues="ALL_OLD").get("Attributes", marker)["by"] == record["eventID"]
"""
COMPARE_TEXTS = """
def is_new(record, item, number):
    last = markers.get_item(Key={"id": item}).get("Item", {"last": ""})["last"]
    markers.put_item(Item={"id": item, "last": max(last, number)})
    return number >= last
"""
REFUSE_REPEATED = """
def is_new(record, item, number):
    try:
        markers.put_item(Item={"id": f"{item} {record['eventName']}"}, ConditionExpression="attribute_not_exists(id)")
    except markers.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True
"""


@pytest.mark.parametrize("bug", [FORGET_REPEATED, COMPARE_TEXTS], ids=["item and event name", "numbers as texts"])
def test_a_bug_that_needs_an_item_to_change_again_is_found(bug: str, there: Path) -> None:
    """With what `init` writes: the items are changed often enough. With each item once, the bug stays hidden."""
    write_pipeline(there, bug)
    assert harness("init").exit_code == 0
    found = harness("run", "scenario.yaml", "--platform", "embedded")
    assert found.exit_code == 1, found.output
    assert "lost: " in found.output
    assert "blame: function" in found.output
    hidden = harness("run", "scenario.yaml", "--platform", "embedded", "--set", "workload.intents=3")
    assert hidden.exit_code == 0, hidden.output


def test_it_is_found_although_a_table_without_effects_is_taken_for_a_sink(there: Path) -> None:
    """Which table is a sink, only the user knows: the markers name no intent, and no call for the change landed."""
    write_pipeline(there, REFUSE_REPEATED, roles="")
    assert harness("init").exit_code == 0
    assert "Markers: {role: ledger" in (there / "scenario.yaml").read_text()
    found = harness("run", "scenario.yaml", "--platform", "embedded")
    assert found.exit_code == 1, found.output
    assert "no row of Markers names an intent" in found.output
    assert (
        "had failed (ConditionalCheckFailedException), and so it is without the faults\n      blame: f" in found.output
    )


def write_pipeline(folder: Path, bug: str, roles: str = ", Metadata: {harness: {role: ledger}}") -> None:
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text(HANDLER + bug)
    (folder / "template.yaml").write_text(PIPELINE.replace(", Metadata: {harness: {role: ledger}}", roles))


def test_without_a_template_each_item_is_changed_four_times(there: Path) -> None:
    """The pipeline that `init` makes up has a workload as thorough."""
    assert harness("init").exit_code == 0
    done = harness("run", "scenario.yaml", "--platform", "embedded")
    assert done.exit_code == 0, done.output
    (history,) = there.glob("runs/*/latest/history.jsonl")
    puts = [line for line in history.read_text().splitlines() if '"put"' in line and '"invoke"' in line]
    assert sum("todo-4/4" in line for line in puts) == 1
    assert len(puts) == 20
