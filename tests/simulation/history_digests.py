"""Run as a program: plays every variant of every shipped scenario twice, and prints what each history hashes to.

The second time in the opposite order, so that what one run leaves behind in the process would show in the next.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from play import SHIPPED

from harness.jobs import Job, jobs_of
from harness.run_folder import HISTORY, SCHEDULE
from harness.runner import run


def digest(job: Job, runs: Path) -> str:
    folder = Path(run(job, runs).run_folder)
    return hashlib.sha256((folder / HISTORY).read_bytes() + (folder / SCHEDULE).read_bytes()).hexdigest()


def main() -> None:
    jobs = [job for job in jobs_of(SHIPPED, seeds=7) if not job.refused]
    digests: dict[str, list[str]] = {f"{job.scenario.scenario} / {job.variant.name}": [] for job in jobs}
    with tempfile.TemporaryDirectory() as runs:
        for job in (*jobs, *reversed(jobs)):
            digests[f"{job.scenario.scenario} / {job.variant.name}"].append(digest(job, Path(runs)))
    json.dump(digests, sys.stdout)


if __name__ == "__main__":
    main()
