"""The Python interface: `from harness import run` plays one variant of a scenario, in a test or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.history import History
from harness.jobs import jobs_of
from harness.platforms.target import choose_target
from harness.reports.text import finding
from harness.run_folder import read_history
from harness.runner import run as run_job
from harness.verdict import Anomaly, RunResult


@dataclass(frozen=True, slots=True, repr=False)
class RunOutcome:
    """What one run showed. `print(outcome)` prints the finding."""

    result: RunResult
    history: History

    @property
    def verdict(self) -> str:
        """`valid`, `invalid` or `unknown`."""
        return self.result.verdict.verdict

    @property
    def counts(self) -> dict[str, int]:
        """How many intents, records, deliveries, executions and effects there were."""
        return self.result.verdict.counts

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """Each violation, with who is to blame and the operations that prove it."""
        return self.result.verdict.anomalies

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is unknown; empty otherwise."""
        return self.result.verdict.reasons

    @property
    def expectation_met(self) -> bool:
        """Whether the verdict is what the scenario expects."""
        return self.result.expectation_met

    def __repr__(self) -> str:
        result = self.result
        return f"<{result.scenario} / {result.variant}, seed {result.seed}: {self.verdict}>"

    def __str__(self) -> str:
        return finding(self.result, self.history.operations)


def run(
    scenario: str | Path | Mapping[str, Any],
    runs: str | Path = "runs",
    *,
    variant: str | None = None,
    seed: int | None = None,
    settings: Mapping[str, str] | None = None,
    platform: str | None = None,
    endpoint: str | None = None,
) -> RunOutcome:
    """Runs one variant of a scenario with one seed, and leaves its folder under `runs`.

    scenario: a scenario file, or its contents as a dict.
    variant, seed: choose among several; the scenario's own if it has only one.
    settings: override fields by their paths, as in `{"workload.intents": "5"}`.
    platform, endpoint: as `--platform` and `--endpoint` of `harness run`; AWS is not offered here.

    Raises harness.errors.UserError for a scenario that is wrong or does not fit the platform, and where several runs
    are left to choose from.
    """
    source = Path(scenario) if isinstance(scenario, str) else scenario
    target = choose_target(platform, endpoint, hint=partial(print, file=sys.stderr))
    jobs = jobs_of([source], settings, seeds=seed, variants=[variant] if variant else [], target=target)
    if len(jobs) != 1:
        names = ", ".join(dict.fromkeys(f"{job.variant.name} with seed {job.seed}" for job in jobs))
        raise UserError(f"one run was asked for, and there are {len(jobs)}: {names}")
    (job,) = jobs
    if job.refused:
        raise UserError(f"{job.variant.name}: refused on {job.target.platform}: {job.refused}")
    result = run_job(job, Path(runs))
    return RunOutcome(result, History.of(read_history(Path(result.run_folder))))
