"""A function in JavaScript with its own runtime, on the real LocalStack: without the agent, judged all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import Target
from harness.runner import run

SCENARIO = Path(__file__).parents[1] / "other_language" / "scenario.yaml"


@pytest.mark.parametrize("variant", ["reply lost", "delivered again"])
def test_faults_outside_the_function_show_what_it_does(variant: str, localstack: Running, tmp_path: Path) -> None:
    """A reply that the writer's SDK never got is harmless; a batch that comes again is a second receipt."""
    target = Target("localstack", localstack.endpoint)
    (job,) = jobs_of([SCENARIO], seeds=0, variants=[variant], target=target)
    result = run(job, tmp_path)
    assert result.expectation_met, f"{result.expectation_reason}\n{result.verdict}"
