"""What a test gets from a run: the verdict, and everything that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.history import History
from harness.jobs import jobs_of
from harness.reports.text import finding
from harness.result import RunResult
from harness.runner import run
from harness.store import read_history
from harness.verdict import Anomaly


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. `verdict` is valid, invalid or unknown; printed, it is the finding."""

    result: RunResult
    history: History

    @property
    def verdict(self) -> str:
        return self.result.verdict.verdict

    @property
    def counts(self) -> dict[str, int]:
        return self.result.verdict.counts

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        return self.result.verdict.anomalies

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.result.verdict.reasons

    @property
    def expectation_met(self) -> bool:
        return self.result.expectation_met

    def __str__(self) -> str:
        return finding(self.result, self.history.operations)


def outcome_of(
    scenario: str | Path | Mapping[str, Any],
    runs: Path,
    *,
    variant: str | None = None,
    seed: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> Outcome:
    """Runs the one variant that is left; raises UserError when there are several, or the scenario is wrong."""
    source = Path(scenario) if isinstance(scenario, str) else scenario
    jobs = jobs_of([source], settings, seeds=seed, variants=[variant] if variant else [])
    if len(jobs) != 1:
        names = ", ".join(dict.fromkeys(f"{job.variant.name} with seed {job.seed}" for job in jobs))
        raise UserError(f"one run was asked for, and there are {len(jobs)}: {names}")
    (job,) = jobs
    if job.refused:
        raise UserError(f"{job.variant.name}: refused on {job.where.platform}: {job.refused}")
    result = run(job, runs)
    return Outcome(result, History.of(read_history(Path(result.run_folder))))
