"""The shipped scenarios: each meets its expectation, whatever the seed."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import pytest
from play import ROOT, SHIPPED, found

from harness.api import run
from harness.jobs import Job, jobs_of
from harness.reports.text import finding
from harness.run_folder import read_history
from harness.runner import run as run_job
from harness.scenario.load import load

# All seeds of all variants: `python -m harness run scenarios/*.yaml --seeds 0..49`, five minutes on two cores.
SEEDS, SHARES = range(50), 10
# Each run of it is 1,445 deliveries, over 24 hours of retries: as long as thirty others.
DAY_LONG, DAY_LONG_SEEDS = ("poison-record", "defaults"), range(1)
CHUNK = 10


def chosen(number: int, job: Job) -> bool:
    """A tenth of the seeds, another one for the next variant: of ten variants each seed is played by one."""
    if (job.scenario.scenario, job.variant.name) == DAY_LONG:
        return job.seed in DAY_LONG_SEEDS
    return job.seed % SHARES == number % SHARES


def violations(file: Path, seeds: list[int], runs: Path) -> list[str]:
    """The findings of the runs that did not meet their expectation."""
    told = []
    jobs = jobs_of([file], seeds=f"{seeds[0]}..{seeds[-1]}")
    variants = list(dict.fromkeys(job.variant.name for job in jobs))
    for job in jobs:
        if job.refused or not chosen(variants.index(job.variant.name), job):
            continue
        result = run_job(job, runs)
        if not result.expectation_met:
            told.append(finding(result, read_history(Path(result.run_folder))))
    return told


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_scenario_meets_its_expectation_whatever_the_seed(
    file: Path, processes: Executor, tmp_path: Path
) -> None:
    """Every variant, with five of the seeds 0 to 49: the verdict, the number of anomalies and the party to blame."""
    chunks = [list(SEEDS[start : start + CHUNK]) for start in range(0, len(SEEDS), CHUNK)]
    running = [processes.submit(violations, file, seeds, tmp_path) for seeds in chunks]
    assert [told for future in running for told in future.result()] == []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_expected_to_be_invalid_says_of_what_kind(file: Path) -> None:
    """No shipped scenario is content with any invalid verdict: each such variant names an anomaly and how often."""
    broken = [variant for variant in load(file).variants if variant.expectation.verdict == "invalid"]
    assert all(variant.expectation.counts for variant in broken)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_scenario_asks_a_question(file: Path) -> None:
    """Its question ends with a question mark. docs/scenario.md lists all of them: tests/unit/test_docs.py."""
    assert load(file).question.endswith("?")


def test_an_identical_put_leaves_one_record(tmp_path: Path) -> None:
    """The well-known claim is answered from what happened: five of twenty puts are made twice, and the stream holds
    twenty records (S-31); with a new timestamp it holds twenty-five."""
    same = run(ROOT / "scenarios" / "duplicate_put.yaml", tmp_path, variant="put/naive", seed=0)
    stamped = run(ROOT / "scenarios" / "duplicate_put.yaml", tmp_path, variant="stamped_put/naive", seed=0)
    assert [outcome.counts["intents"] for outcome in (same, stamped)] == [20, 20]
    assert [outcome.counts["records"] for outcome in (same, stamped)] == [20, 25]
    assert (found(same), found(stamped)) == (set(), {("duplicated", "writer")})
