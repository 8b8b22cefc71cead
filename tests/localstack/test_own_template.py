"""Templates that somebody else wrote run unchanged on the real LocalStack, and end as on the embedded platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import Target
from harness.runner import run
from harness.workflow.init import init_files

OWN = Path(__file__).parents[1] / "own_template"
VARIANTS = [
    pytest.param(path, job.variant.name, id=f"{path.parent.name}: {job.variant.name}")
    for path in sorted(OWN.glob("*/scenario.yaml"))
    for job in jobs_of([path], seeds=0)
]


@pytest.mark.parametrize("path, variant", VARIANTS)
def test_a_foreign_template_ends_as_its_scenario_expects(
    path: Path, variant: str, localstack: Running, tmp_path: Path
) -> None:
    """SAM becomes a stack there, the function runs in its own process, and its effects are found in its tables."""
    (job,) = jobs_of([path], seeds=0, variants=[variant], target=Target("localstack", localstack.endpoint))
    result = run(job, tmp_path)
    assert result.expectation_met, f"{result.expectation_reason}\n{result.verdict}"


def test_what_init_writes_is_valid_there(localstack: Running, tmp_path: Path) -> None:
    """Template, handler and scenario as they are, and a crash of the function's process on the way."""
    for file, text in init_files(tmp_path / "shop").items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    scenario = tmp_path / "shop" / "scenario.yaml"
    (job,) = jobs_of([scenario], target=Target("localstack", localstack.endpoint))
    result = run(job, tmp_path)
    assert result.expectation_met, result.expectation_reason
