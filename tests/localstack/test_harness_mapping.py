"""`mapping: {by: harness}`: the dispatcher reads LocalStack's stream and invokes the real function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.runner import run
from harness.verdict import RunResult

LEDGER = Path(__file__).parents[2] / "lambda" / "ledger"
RETRIES = {"maximum_retry_attempts": 1}
# What LocalStack 4.14's own mapping refuses or cannot do, each with the handler that shows it.
CASES: dict[str, dict[str, Any]] = {
    "redeliver": {"handler": "naive", "faults": [{"redeliver": {"nth": 1}}]},
    "redeliver later": {"handler": "naive", "faults": [{"redeliver": {"nth": 1, "seconds": 1}}]},
    "redeliver concurrently": {"handler": "transactional", "faults": [{"redeliver": {"nth": 1, "concurrently": True}}]},
    "roll back": {"handler": "naive", "faults": [{"roll_back": {"nth": 2}}]},
    "refused invocations": {
        "handler": "naive",
        "mapping": RETRIES,
        "faults": [
            {
                "refuse": {
                    "process": "dispatcher",
                    "call": "lambda.Invoke",
                    "code": "TooManyRequestsException",
                    "times": 2,
                }
            }
        ],
    },
    "bisect": {"handler": "poison", "mapping": {**RETRIES, "bisect_batch_on_function_error": True}, "poison": True},
    "parallel": {"handler": "naive", "mapping": {"parallelization_factor": 4}},
    "record age": {"handler": "naive", "mapping": {"maximum_record_age_in_seconds": 60}},
    "filter": {"handler": "naive", "mapping": {"filter_criteria": [{"eventName": ["MODIFY"]}]}},
}


def story(case: dict[str, Any], target: Target, runs: Path) -> tuple[str, set[tuple[str, str, str]]]:
    scenario = {
        "scenario": "by-harness",
        "question": "Does the dispatcher deliver as AWS documents?",
        "pipeline": {
            "handler": str(LEDGER / f"{case['handler']}.py"),
            "mapping": {"batch_size": 3, "by": "harness", **case.get("mapping", {})},
        },
        "workload": {
            "writer": "put",
            "intents": 8,
            "titles": {"todo-1": "poison"} if case.get("poison") else {},
        },
        "faults": case.get("faults", []),
        "expect": "valid",
    }
    (job,) = jobs_of([scenario], target=target)
    result: RunResult = run(job, runs)
    assert all(fault["fired"] for fault in result.faults)
    return result.verdict.verdict, {(each.kind, each.blame) for each in result.verdict.anomalies}


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_on_the_embedded_platform(name: str, localstack: Running, tmp_path: Path) -> None:
    """The verdict, the kinds of anomaly and who is to blame: one dispatcher, two hosts."""
    real = story(CASES[name], Target("localstack", localstack.endpoint), tmp_path)
    assert real == story(CASES[name], EMBEDDED_TARGET, tmp_path)


def test_what_its_own_mapping_cannot_do_is_refused_with_the_way_out(localstack: Running) -> None:
    """Before anything runs; the reason names the setting that helps."""
    scenario = {
        "scenario": "refused",
        "question": "Can its own mapping redeliver?",
        "pipeline": {"handler": str(LEDGER / "naive.py")},
        "workload": {"writer": "put", "intents": 1},
        "faults": ["redeliver"],
        "expect": "valid",
    }
    with pytest.raises(UserError, match="by: harness"):
        jobs_of([scenario], target=Target("localstack", localstack.endpoint))
