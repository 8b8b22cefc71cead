"""Every sink that is no table, on the real services: what lands there is read back as on the embedded platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.jobs import jobs_of
from harness.localstack.base import Running
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


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_lost_reply_ends_as_on_the_embedded_platform(handler: str, localstack: Running, tmp_path: Path) -> None:
    """Verdict, effects, anomalies and blame, for each handler: one sink, two platforms."""
    real = story(handler, Target("localstack", localstack.endpoint), tmp_path)
    assert real == story(handler, EMBEDDED_TARGET, tmp_path)
