"""Every shipped scenario on the real LocalStack: the verdict of the embedded platform, or a listed difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.runner import run
from harness.verdict import RunResult

SCENARIOS = sorted(Path(__file__).parents[2].joinpath("scenarios").glob("*.yaml"))
VARIANTS = [
    pytest.param(path, job.variant.name, id=f"{path.stem}: {job.variant.name}")
    for path in SCENARIOS
    for job in jobs_of([path], seeds=0)
]
# Where the counts depend on how the stream was cut into batches.
CUT_INTO_BATCHES = ("partial_batch", "poison_record")
# Where they depend on when a new mapping begins to deliver (S-87), but kinds and blame do not.
WHEN_IT_BEGINS = ("mapping_recreated",)
# A run that is expected not to become quiet is not waited for.
SHORT = {"limits.drive": "5s", "limits.drain": "5s"}


@pytest.fixture
def target(localstack: Running) -> Target:
    return Target("localstack", localstack.endpoint)


def story(result: RunResult) -> tuple[str, dict[str, int], set[tuple[str, str]]]:
    """What a user would act on: the verdict, what was found how often, and who is to blame for what."""
    verdict = result.verdict
    found = {
        kind: count for kind, count in verdict.counts.items() if kind in ("intents", "effects", "lost", "duplicated")
    }
    return verdict.verdict, found, {(anomaly.kind, anomaly.blame) for anomaly in verdict.anomalies}


@pytest.mark.parametrize("path, variant", VARIANTS)
def test_a_variant_ends_as_on_the_embedded_platform(path: Path, variant: str, target: Target, tmp_path: Path) -> None:
    """Verdict, anomalies and blame are the same, and as the scenario expects; or it lists the difference."""
    (job,) = jobs_of([path], seeds=0, variants=[variant], target=target)
    if job.refused:
        assert job.difference
        return
    if job.difference and job.expect == "unknown":
        (job,) = jobs_of([path], SHORT, seeds=0, variants=[variant], target=target)
    real = run(job, tmp_path)
    assert real.expectation_met, real.expectation_reason
    (job,) = jobs_of([path], seeds=0, variants=[variant], target=EMBEDDED_TARGET)
    if real.difference or job.difference:
        return
    imitated = run(job, tmp_path)
    assert imitated.expectation_met, imitated.expectation_reason
    assert real.verdict.verdict == imitated.verdict.verdict
    if path.stem in WHEN_IT_BEGINS:
        assert story(real)[2] == story(imitated)[2]
    elif path.stem not in CUT_INTO_BATCHES:
        assert story(real) == story(imitated)
