"""The command `try`, whole: from a template alone to what is lost, duplicated or different with a fault."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from play import MUTANTS, ROOT, TEMPLATE

PUBLISHED = ROOT / "tests" / "published"


def of_the_ledger(harness: Any, handler: str, *more: object) -> Any:
    return harness("try", TEMPLATE, "--parameter", f"Handler={handler}.handler", *more)


def outcomes(said: Any) -> dict[str, str]:
    """By the fault, what became of it."""
    rows = re.findall(r"^(.+?) {2,}\d+  (.+)$", said.out, re.MULTILINE)
    return dict(rows)


def small(folder: Path, code: str) -> Path:
    """A template with the code inline, between two tables."""
    template = {
        "Resources": {
            "Items": _table("id", StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"}),
            "Out": _table("k"),
            "Copy": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Code": {"ZipFile": code},
                    "Environment": {"Variables": {"OUT": {"Ref": "Out"}}},
                },
            },
            "Trigger": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Items", "StreamArn"]},
                    "FunctionName": {"Ref": "Copy"},
                    "StartingPosition": "LATEST",
                },
            },
        }
    }
    file = folder / "template.json"
    file.write_text(json.dumps(template))
    return file


def _table(key: str, **more: Any) -> dict[str, Any]:
    properties = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
    }
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties | more}


WRITES = """
import os, random
import boto3
out = boto3.resource("dynamodb").Table(os.environ["OUT"])

def handler(event, context):
    for record in event["Records"]:
        item = record["dynamodb"]["NewImage"]
"""


def test_a_template_alone_is_enough(harness: Any) -> None:
    """What a naive handler does twice is found, shown, and the exit code; what it survives is told too."""
    said = of_the_ledger(harness, "naive")
    assert said.code == 1
    rows = outcomes(said)
    assert rows["crash after dynamodb.PutItem Effects"] == "duplicated"
    assert rows["lost reply to dynamodb.PutItem Effects"] == "same as without it"
    assert "not compared, as it differs from run to run: Effects.effect" in said.out
    assert "DUPLICATED  crash after dynamodb.PutItem Effects: the function dies" in said.out
    assert 'Effects: 1 row there in addition: {"effect": "…"' in said.out
    assert "parameter CodeBucket has no default" in said.err
    assert "29/29 lost reply to a write of the writer: same" in said.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("handler", ["idempotent", "transactional", "versioned_projection"])
def test_a_right_handler_has_no_finding(harness: Any, handler: str) -> None:
    """Nothing is found, and nothing is unknown: 0. A table in which the handler remembers is no sink."""
    said = of_the_ledger(harness, handler)
    assert (said.code, set(outcomes(said).values())) == (0, {"same as without it"}), said.out
    assert "NOTHING FOUND" in said.out


@pytest.mark.parametrize(
    "mutant, fault, outcome",
    [
        ("any_cancellation", "conflict of dynamodb.TransactWriteItems Markers, Effects", "lost"),
        ("counter_add", "lost reply to dynamodb.UpdateItem Effects", "duplicated"),
        ("forgets_unprocessed", "a part left undone by dynamodb.BatchWriteItem Effects", "lost"),
        ("gives_up", "refusals for a while of dynamodb.PutItem Effects", "lost"),
        ("swallow", "refusal of dynamodb.PutItem Effects", "lost"),
    ],
)
def test_planted_bugs_are_found(harness: Any, mutant: str, fault: str, outcome: str) -> None:
    """Without a word of what an intent is: the fault that the mutant's docstring names shows it."""
    said = of_the_ledger(harness, mutant, "--code", MUTANTS)
    assert said.code == 1
    assert outcomes(said)[fault] == outcome, said.out


def test_a_handler_that_fails_by_itself_is_no_finding(harness: Any, tmp_path: Path) -> None:
    """Its error is told with its line, and how to give items that it takes: unknown."""
    said = harness("try", small(tmp_path, "def handler(event, context):\n    raise ValueError('never')\n"))
    assert said.code == 2
    error = "the handler fails on these items when nothing goes wrong: ValueError: never at index.py:2"
    assert f"UNKNOWN  {error}. Give items that it takes: --data FILE" in said.out


def test_a_package_that_is_not_there_is_asked_for(harness: Any, tmp_path: Path) -> None:
    """No items would help a handler that cannot be imported."""
    said = harness("try", small(tmp_path, "import not_there\n\ndef handler(event, context):\n    pass\n"))
    assert said.code == 2
    error = "the handler cannot be imported: ModuleNotFoundError: No module named 'not_there' at index.py:1"
    assert f"UNKNOWN  {error}. Name what it needs in a requirements.txt beside its code" in said.out
    template = json.loads(small(tmp_path, "require('not-there')\nexports.handler = async () => {}\n").read_text())
    template["Resources"]["Copy"]["Properties"]["Runtime"] = "nodejs20.x"
    (tmp_path / "template.json").write_text(json.dumps(template))
    said = harness("try", tmp_path / "template.json")
    assert "Name what it needs in a package.json beside its code" in said.out, said.out + said.err


def test_a_call_that_is_not_imitated_is_named(harness: Any, tmp_path: Path) -> None:
    """Unknown, not a mistake of the user: what only sends is accepted, and what reads has no answer."""
    code = "import boto3\n\ndef handler(event, context):\n    boto3.client('ssm').get_parameter(Name='a')\n"
    said = harness("try", small(tmp_path, code))
    assert said.code == 2
    assert "UNKNOWN  the function does what is not imitated: ssm.GetParameter is not imitated" in said.out


def test_what_a_handler_refuses_is_learned_from(harness: Any, tmp_path: Path) -> None:
    """An attribute behind a name that no source shows, and a number where a text was guessed."""
    code = f"{WRITES}        key = 'si' + 'ze'\n        out.put_item(Item={{'k': str(2 * int(item[key]['N']))}})\n"
    said = harness("try", small(tmp_path, code))
    assert said.code == 0, said.out
    assert "4 made-up items, each written twice: id, size" in said.out


def test_own_items_are_taken(harness: Any, tmp_path: Path) -> None:
    """A file, YAML or JSON; one that is no list of items is refused."""
    code = (
        f"{WRITES}        assert item['colour']['S'] == 'blue'\n        out.put_item(Item={{'k': item['id']['S']}})\n"
    )
    template = small(tmp_path, code.replace("item['colour']", "item['col' + 'our']"))
    (tmp_path / "mine.yaml").write_text("- {id: a, colour: blue}\n- {id: b, colour: blue}\n")
    said = harness("try", template, "--data", tmp_path / "mine.yaml")
    assert (said.code, "2 items of yours" in said.out, "Out (2)" in said.out) == (0, True, True), said.out
    (tmp_path / "mine.yaml").write_text("blue\n")
    assert harness("try", template, "--data", tmp_path / "mine.yaml").code == 254


def test_a_pipeline_that_differs_from_itself_is_unknown(harness: Any, tmp_path: Path) -> None:
    """How many rows there are is chance: it says so, and finds nothing."""
    code = f"""{WRITES}        for number in range(random.randint(0, 9)):
            out.put_item(Item={{"k": f"{{item['id']['S']}}-{{number}}"}})
"""
    said = harness("try", small(tmp_path, code))
    assert said.code == 2
    assert re.search(r"UNKNOWN  Out: runs without faults leave \d+ to \d+ rows there", said.out)


def test_counters_are_compared_by_what_they_count(harness: Any, tmp_path: Path) -> None:
    """An aggregate that is too high counts something twice; no row names what."""
    code = f"""{WRITES}        out.update_item(
            Key={{"k": "all"}}, UpdateExpression="ADD n :n", ExpressionAttributeValues={{":n": int(item["price"]["N"])}}
        )
"""
    said = harness("try", small(tmp_path, code))
    assert said.code == 1
    assert outcomes(said)["redelivery of a batch"] == "duplicated"
    assert re.search(r"n \d+ in place of \d+", said.out)


def test_a_finding_is_saved_as_a_scenario(harness: Any, tmp_path: Path) -> None:
    """With its items beside it; `run` finds the same, and blames the function. Nothing is overwritten."""
    file = tmp_path / "found.yaml"
    said = of_the_ledger(harness, "naive", "--save", file)
    assert f"wrote {file}, which is invalid" in said.out
    scenario = yaml.safe_load(file.read_text())
    assert scenario["faults"] == [
        {"crash": {"process": "function", "call": "dynamodb.PutItem", "nth": 1, "when": "after"}}
    ]
    played = harness("run", file)
    assert (played.code, "1 duplicated" in played.out) == (1, True)
    assert of_the_ledger(harness, "naive", "--save", file).code == 254


def test_a_template_without_a_stream_says_what_was_looked_for(harness: Any, tmp_path: Path) -> None:
    """254, and what a pipeline has."""
    (tmp_path / "template.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
    said = harness("try")
    assert said.code == 254
    assert (
        "a pipeline has one AWS::Lambda::EventSourceMapping of a stream of DynamoDB or Kinesis; there is none"
        in said.err
    )
    assert harness("try", tmp_path / "nowhere").code == 254


def test_each_function_of_a_template_is_tried(harness: Any) -> None:
    """One after another, each with its own items and findings; `--function` chooses one."""
    readings = ROOT / "tests" / "own_template" / "readings"
    said = harness("try", readings)
    assert re.findall(r"^Readings -> (\w+)", said.out, re.MULTILINE) == ["Projector", "Alarm"]
    assert outcomes(said)["late redelivery of a batch"]
    assert re.findall(r"^Readings -> (\w+)", harness("try", readings, "--function", "Alarm").out, re.MULTILINE) == [
        "Alarm"
    ]
