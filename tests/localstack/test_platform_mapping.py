"""LocalStack's own mapping, of which nobody tells what it never delivers and what it gives up in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.runner import run
from harness.verdict import RunResult
from harness.workflow.init import init_files

CASES: dict[str, dict[str, Any]] = {
    "filtered out": {"mapping": {"filter_criteria": [{"eventName": ["MODIFY"]}]}, "faults": []},
    "given up": {
        "mapping": {"maximum_retry_attempts": 1, "batch_size": 1},
        "faults": [{"function_error": {"intent": "todo-1/1", "times": 2}}],
    },
    # More than a queue hands out at once, and the second look at one of them would move it away.
    "dead-lettered": {
        "mapping": {"maximum_retry_attempts": 0, "batch_size": 1},
        "faults": [{"function_error": {"times": 12}}],
        "intents": 14,
    },
}
ON_FAILURE = """
  Buried: {Type: AWS::SQS::Queue}
  Failed:
    Type: AWS::SQS::Queue
    Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Buried.Arn, maxReceiveCount: 1}}
"""


# Slower than its timeout once, after its effects.
SLOW = """
import os, time, uuid
import boto3

effects = boto3.resource("dynamodb").Table(os.environ["EFFECTS"])
seen = boto3.resource("dynamodb").Table(os.environ["SEEN"])

def handler(event, context):
    for record in event["Records"]:
        todo = record["dynamodb"]["NewImage"]
        effect = {"intent": todo["intent"]["S"], "todo": {"id": todo["id"]["S"]}}
        effects.put_item(Item={"effect": str(uuid.uuid4()), **effect})
    if not seen.get_item(Key={"id": "slow"}, ConsistentRead=True).get("Item"):
        seen.put_item(Item={"id": "slow"})
        time.sleep(5)
"""
SEEN = """
  Seen:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
"""


def story(case: dict[str, Any], target: Target, folder: Path) -> tuple[str, set[tuple[str, str, str]]]:
    verdict = played(case, target, folder).verdict
    return verdict.verdict, {(each.kind, each.subject, each.blame) for each in verdict.anomalies}


def played(case: dict[str, Any], target: Target, folder: Path) -> RunResult:
    for file, text in init_files(folder / "shop").items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if "intents" in case and file.name == "template.yaml":
            text += "      DestinationConfig: {OnFailure: {Destination: !GetAtt Failed.Arn}}\n" + ON_FAILURE
        if "handler" in case and file.name == "template.yaml":
            text = text.replace("EFFECTS: !Ref Effects", "EFFECTS: !Ref Effects, SEEN: !Ref Seen") + SEEN
        file.write_text(case.get("handler", text) if file.name == "app.py" else text)
    scenario = {
        "scenario": "in-silence",
        "question": "Is what was not delivered told from what is still to come?",
        "pipeline": {
            "template": str(folder / "shop" / "template.yaml"),
            "sinks": {"Effects": {"role": "ledger", "intent": "intent", "item": "todo.id"}},
            "mapping": case["mapping"],
            "function": case.get("function", {}),
        },
        "workload": {"writer": "put", "intents": case.get("intents", 3)},
        "faults": case["faults"],
        "expect": "valid",
    }
    (job,) = jobs_of([scenario], target=target)
    return run(job, folder)


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_on_the_embedded_platform(name: str, localstack: Running, tmp_path: Path) -> None:
    """Invalid for the same changes by the fault of the same party, and not unknown because nothing more comes."""
    real = story(CASES[name], Target("localstack", localstack.endpoint), tmp_path / "there")
    assert real == story(CASES[name], EMBEDDED_TARGET, tmp_path / "here")
    assert real[0] == "invalid"


@pytest.mark.parametrize("by", ["platform", "harness"])
def test_a_real_timeout_is_in_the_history(by: str, localstack: Running, tmp_path: Path) -> None:
    """The execution that it killed has left what it did: its effects were made again by the one after it."""
    case = {"handler": SLOW, "function": {"timeout": 1}, "mapping": {"by": by}, "faults": []}
    result = played(case, Target("localstack", localstack.endpoint), tmp_path)
    assert {(each.kind, each.blame) for each in result.verdict.anomalies} == {("duplicated", "function")}
    broke_off = "function/1 broke off (timed out after 1 s) after its effect and before its acknowledgement"
    assert {each.why for each in result.verdict.anomalies} == {f"{broke_off}, and function/2 applied it again"}


@pytest.mark.parametrize(
    "handler, kind, error",
    [
        (
            SLOW.replace("time.sleep(5)", "raise GeneratorExit('out')"),
            "duplicated",
            "1: GeneratorExit: out at app.py:15",
        ),
        ("import sys\nsys.exit(3)\n", "lost", "3"),
    ],
    ids=["in the handler", "while it is imported"],
)
def test_a_handler_that_ends_its_process_is_in_the_history(
    handler: str, kind: str, error: str, localstack: Running, tmp_path: Path
) -> None:
    """By what Lambda's runtime does not catch: the function is to blame, and how it ended is told, as embedded."""
    case = {"handler": handler, "mapping": {"maximum_retry_attempts": 1}, "faults": []}
    targets = {"there": Target("localstack", localstack.endpoint), "here": EMBEDDED_TARGET}
    for name, target in targets.items():
        verdict = played(case, target, tmp_path / name).verdict
        assert {(each.kind, each.blame) for each in verdict.anomalies} == {(kind, "function")}, name
        assert all(f"broke off (crashed: exit status {error})" in each.why for each in verdict.anomalies), str(verdict)
