"""Run as a program: plays every variant of every shipped scenario, and prints what each history hashes to.

With the argument `backwards` in the opposite order: what a run leaves behind in the process would show in the next.
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
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as runs:
        for job in reversed(jobs) if "backwards" in sys.argv else jobs:
            digests[f"{job.scenario.scenario} / {job.variant.name}"] = digest(job, Path(runs))
    json.dump(digests, sys.stdout)


if __name__ == "__main__":
    main()
