"""Every shipped scenario on the real LocalStack: the verdict of the embedded platform, or a listed difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.jobs import jobs_of
from harness.result import RunResult
from harness.runner import run
from harness.runtimes.base import Running
from harness.where import EMBEDDED, Where

SCENARIOS = sorted(Path(__file__).parents[2].joinpath("scenarios").glob("*.yaml"))
VARIANTS = [
    pytest.param(path, job.variant.name, id=f"{path.stem}: {job.variant.name}")
    for path in SCENARIOS
    for job in jobs_of([path], seeds=0)
]
# What LocalStack 4.14 refuses or cannot show, and why.
REFUSED = {("poison_record", "bisect"): "does not split batches"}  # stream_poller.py:490, semantics G-04
UNKNOWN = {
    # The records would leave the stream after 24 hours, and here time is real.
    ("poison_record", "defaults"): "neither processed nor given up",
}
SHORT = {"limits.drive": "5s", "limits.drain": "5s"}


@pytest.fixture
def where(localstack: Running) -> Where:
    return Where("localstack", localstack.endpoint)


def story(result: RunResult) -> tuple[str, dict[str, int], set[tuple[str, str]]]:
    """What a user would act on: the verdict, what was found how often, and who is to blame for what."""
    verdict = result.verdict
    found = {
        kind: count for kind, count in verdict.counts.items() if kind in ("intents", "effects", "lost", "duplicated")
    }
    return verdict.verdict, found, {(anomaly.kind, anomaly.blame) for anomaly in verdict.anomalies}


@pytest.mark.parametrize("path, variant", VARIANTS)
def test_a_variant_ends_as_on_the_embedded_platform(path: Path, variant: str, where: Where, tmp_path: Path) -> None:
    """Verdict, anomalies and blame are the same, and what the scenario expects; or the difference is listed."""
    if reason := REFUSED.get((path.stem, variant)):
        with pytest.raises(UserError, match=reason):
            jobs_of([path], seeds=0, variants=[variant], where=where)
        return
    unknown = UNKNOWN.get((path.stem, variant))
    (job,) = jobs_of([path], SHORT if unknown else None, seeds=0, variants=[variant], where=where)
    real = run(job, tmp_path)
    if unknown:
        assert real.verdict.verdict == "unknown"
        assert any(unknown in reason for reason in real.verdict.reasons)
        return
    (job,) = jobs_of([path], seeds=0, variants=[variant], where=EMBEDDED)
    imitated = run(job, tmp_path)
    assert real.expectation_met, real.expectation_reason
    if path.stem not in ("partial_batch", "poison_record"):  # there it depends on how the stream was cut into batches
        assert story(real) == story(imitated)
    assert real.verdict.verdict == imitated.verdict.verdict
