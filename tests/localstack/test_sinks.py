"""Every sink that is no table, on the real services: what lands there is read back as on the embedded platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.runner import run
from harness.verdict import RunResult

SINKS = Path(__file__).parents[2] / "lambda" / "sinks"
SHARED = ("changes", "post")
HANDLERS = sorted(file.stem for file in SINKS.glob("*.py") if file.stem not in SHARED)


def story(handler: str, target: Target, runs: Path) -> tuple[str, dict[str, int], set[tuple[str, str]]]:
    """Verdict, counts and blame when the reply to one effect is lost."""
    scenario: dict[str, Any] = {
        "scenario": "lost-reply",
        "question": "Does the sink take what is sent again?",
        "pipeline": {"handler": str(SINKS / f"{handler}.py"), "mapping": {"batch_size": 1}},
        "workload": {"writer": "put", "intents": 4},
        "faults": [{"lose_reply": {"process": "function", "call": "effect", "nth": 2}}],
        "expect": "valid",
    }
    (job,) = jobs_of([scenario], target=target)
    result: RunResult = run(job, runs)
    assert [fault["fired"] for fault in result.faults] == [1]
    found = {kind: count for kind, count in result.verdict.counts.items() if kind in ("effects", "lost", "duplicated")}
    return result.verdict.verdict, found, {(each.kind, each.blame) for each in result.verdict.anomalies}


COPIES = """
import json, os
import boto3

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        copy = {"id": image["id"]["S"], "intent": image["intent"]["S"]}
        s3.put_object(Bucket=os.environ["BUCKET"], Key=f"todos/{copy['id']}.json", Body=json.dumps(copy))
"""


def test_a_bucket_holds_the_latest_state_of_each_item(localstack: Running, tmp_path: Path) -> None:
    """Valid on both, and without the role the replaced objects are lost."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "copies.py").write_text(COPIES)
    verdicts = []
    for target in (Target("localstack", localstack.endpoint), EMBEDDED_TARGET):
        for role in ("view", "ledger"):
            scenario: dict[str, Any] = {
                "scenario": "copies",
                "question": "Does the bucket follow?",
                "pipeline": {
                    "template": str(SINKS / "template.yaml"),
                    "handler": str(tmp_path / "code" / "copies.py"),
                    "sinks": {"Bucket": {"role": role}},
                },
                "workload": {"writer": "put", "intents": 6, "items": 2},
                "faults": [],
                "expect": "valid",
            }
            (job,) = jobs_of([scenario], target=target)
            verdicts.append(run(job, tmp_path / "runs").verdict.verdict)
    assert verdicts == ["valid", "invalid"] * 2


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_lost_reply_ends_as_on_the_embedded_platform(handler: str, localstack: Running, tmp_path: Path) -> None:
    """Verdict, effects, anomalies and blame, for each handler: one sink, two platforms."""
    real = story(handler, Target("localstack", localstack.endpoint), tmp_path)
    assert real == story(handler, EMBEDDED_TARGET, tmp_path)
