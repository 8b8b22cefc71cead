"""How many runs of the reference scenario a second holds, and what a run costs beside its AWS calls."""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

from bench.rounds import by_turns
from bench.stub import seconds_on_stub
from harness.jobs import jobs_of
from harness.platforms.embedded.platform import Embedded
from harness.runner import run

ROUNDS, RUNS = 9, 5
SCENARIO = Path("scenarios/baseline.yaml")


def measure(rounds: int = ROUNDS, runs: int = RUNS) -> str:
    (job,) = jobs_of([SCENARIO])
    with tempfile.TemporaryDirectory() as folder:
        with patch.object(Embedded, "send", autospec=True, side_effect=Embedded.send) as send:
            run(job, Path(folder))
        calls = send.call_count  # the harness's own included

        def seconds_of_runs() -> float:
            began = perf_counter()
            for _ in range(runs):
                run(job, Path(folder))
            return perf_counter() - began

        pair = by_turns(seconds_of_runs, lambda: seconds_on_stub(calls * runs), rounds)
    return (
        f"run rate   {runs / pair.subject:.1f} runs per second of {SCENARIO}; a run of {calls} AWS calls takes\n"
        f"           {pair.ratio:.2f}x as long as so many calls that an empty stub answers (medians of {rounds} rounds)"
    )
