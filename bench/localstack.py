"""What a run takes on LocalStack, against a bare boto3 script that does the same and waits for the same effects."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from time import perf_counter

from bench import bare
from bench.rounds import by_turns
from harness.jobs import jobs_of
from harness.localstack.native import NativeLocalStack
from harness.platforms.target import LOCALSTACK, choose_target
from harness.runner import run

ROUNDS = 15
SCENARIO = Path("scenarios/baseline.yaml")


def measure(rounds: int = ROUNDS, endpoint: str | None = None) -> str:
    with tempfile.TemporaryDirectory() as folder, _running(endpoint) as place:

        def seconds_of_run() -> float:
            (job,) = jobs_of([SCENARIO], target=choose_target(LOCALSTACK, place))
            began = perf_counter()
            result = run(job, Path(folder))
            spent = perf_counter() - began
            if not result.expectation_met:
                raise RuntimeError(f"the run was not as expected: {result.run_folder}")
            return spent

        (job,) = jobs_of([SCENARIO], target=choose_target(LOCALSTACK, place))
        work = job.scenario.workload
        amount = (work.intents, work.item_count, work.writers)
        pair = by_turns(seconds_of_run, lambda: bare.seconds(place, *amount), rounds)
    return (
        f"localstack a run of {SCENARIO}, from deploy to destroy, takes {pair.ratio:.2f}x as long as a bare\n"
        f"           boto3 script that does the same ({pair.subject:.2f} s and {pair.reference:.2f} s; "
        f"medians of {rounds} rounds; goal: at most 1.3x)"
    )


@contextmanager
def _running(endpoint: str | None) -> Iterator[str]:
    """The LocalStack that answers, or else one of our own for as long as this lasts."""
    found = choose_target(LOCALSTACK, endpoint) if endpoint else choose_target(None, None)
    if found.endpoint:
        yield found.endpoint
        return
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    host = NativeLocalStack()
    try:
        yield host.up(port, lambda doing: None).endpoint
    finally:
        host.down(port, lambda doing: None)
