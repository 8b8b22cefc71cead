"""Writes pipelines with sinks of any number, role and kind, and a handler that stands in the test."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

from harness.api import RunOutcome, run

PROPERTIES = {
    "fifo": {"FifoQueue": True},
    "streamed": {"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}},
}
KINDS = {
    "fifo": "AWS::SQS::Queue",
    "table": "AWS::DynamoDB::Table",
    "queue": "AWS::SQS::Queue",
    "topic": "AWS::SNS::Topic",
    "bucket": "AWS::S3::Bucket",
}
# What every handler of these tests begins with: clients, and the variable of each sink.
PREAMBLE = """
import json, os
import boto3
db, sqs, sns, s3 = (boto3.client(name) for name in ("dynamodb", "sqs", "sns", "s3"))


def rows(event):
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if image:
            yield {"id": image["intent"], "intent": image["intent"], "item": image["id"]}


def refused(**parameters):
    try:
        db.put_item(**parameters)
    except db.exceptions.ConditionalCheckFailedException:
        return True
    return False
"""


def table(role: str | None = None, **stream: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        **stream,
    }
    return {"Type": KINDS["table"], "Properties": properties, **_role(role)}


def _role(role: str | None) -> dict[str, Any]:
    return {"Metadata": {"harness": {"role": role}}} if role else {}


def write_pipeline(
    folder: Path, body: str, sinks: dict[str, str], view_type: str = "NEW_AND_OLD_IMAGES", **mapping: Any
) -> Path:
    """The template. sinks: by logical id, `ledger`, `view` or `state`, with the kind before it unless it is a table, as
    in `queue ledger`. The handler finds each one's name in a variable that is called like it."""
    expiry = {"Enabled": True, "AttributeName": "expires_at"}
    source = table(StreamSpecification={"StreamViewType": view_type}, TimeToLiveSpecification=expiry)
    resources: dict[str, Any] = {"Todos": source}
    for name, words in sinks.items():
        kind, _, role = words.rpartition(" ")
        properties = PROPERTIES.get(kind, {})
        is_table = kind in ("", "streamed")
        plain = {"Type": KINDS.get(kind), "Properties": properties, **_role(role)}
        resources[name] = table(role, **properties) if is_table else plain
    resources |= {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "app.handler",
                "Code": "src",
                "Role": {"Fn::GetAtt": "Role.Arn"},
                "Environment": {"Variables": {name: {"Ref": name} for name in sinks}},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": "Todos.StreamArn"},
                "FunctionName": {"Ref": "Function"},
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": 10,
                **mapping,
            },
        },
    }
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "app.py").write_text(PREAMBLE + textwrap.dedent(body))
    (folder / "template.yaml").write_text(yaml.safe_dump({"Resources": resources}))
    return folder / "template.yaml"


def measure(
    folder: Path,
    body: str,
    sinks: dict[str, str],
    *,
    workload: dict[str, Any] | None = None,
    faults: list[Any] | None = None,
    pipeline: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    seed: int = 0,
    **template: Any,
) -> RunOutcome:
    """Plays one run of it."""
    values = {
        "scenario": "pipelines",
        "question": "Does it?",
        "pipeline": {"template": str(write_pipeline(folder, body, sinks, **template)), **(pipeline or {})},
        "workload": {"writer": "put", "intents": 4, **(workload or {})},
        "faults": faults or [],
        "limits": limits or {},
        "expect": "valid",
    }
    return run(values, folder / "runs", seed=seed)
