"""One seed, one history, to the byte: in one process, and in processes that hash differently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import pytest
from play import ROOT, fired, play
from single_faults import SINGLE_FAULTS, at

PROGRAM = Path(__file__).parent / "history_digests.py"


def start(hash_seed: str, *order: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *order], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def test_a_seed_gives_the_same_bytes_whatever_runs_before_it_and_whatever_the_hash_seed() -> None:
    """Every variant of every shipped scenario in two processes, in opposite orders, with PYTHONHASHSEED 0 and 1. The
    histories and the schedules are the same bytes."""
    running = [start("0"), start("1", "backwards")]
    first, second = (json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert len(first) >= 39
    assert first == second


def test_another_seed_gives_another_history(tmp_path: Path) -> None:
    """The seed reaches the run: two seeds, two interleavings."""
    histories = [[op.to_json() for op in play(tmp_path, seed=seed).history] for seed in (0, 1)]
    assert histories[0] != histories[1]


def test_taking_one_fault_away_leaves_the_draws_of_the_others(tmp_path: Path) -> None:
    """Draws are keyed, not sequential (docs/design.md, decision 9): a fault with a probability fires at the same points
    whether or not another fault, which changes nothing, stands before it."""
    lossy = {"lose_reply": {"process": "writer", "call": "dynamodb.PutItem", "probability": 0.3}}
    alone = play(tmp_path, faults=[lossy], workload={"intents": 20, "items": 20})
    accompanied = play(tmp_path, faults=[{"noop": {"probability": 0.5}}, lossy], workload={"intents": 20, "items": 20})
    points = [[op.value["point"] for op in outcome.history if op.f == "lose_reply"] for outcome in (alone, accompanied)]
    assert len(points[0]) > 2
    assert points[0] == points[1]


def same_bytes_twice(runs: Path, name: str) -> bool:
    reporting = {"report_batch_item_failures": True}
    played = (play(runs, faults=[at(name, 2)], seed=3, mapping=reporting) for _ in range(2))
    first, second = ([op.to_json() for op in outcome.history] for outcome in played)
    return first == second


def test_every_single_fault_gives_the_same_bytes_twice(processes: Executor, tmp_path: Path) -> None:
    """Not the shipped scenarios alone: each fault of the list, played twice."""
    same = processes.map(partial(same_bytes_twice, tmp_path), SINGLE_FAULTS)
    assert dict(zip(SINGLE_FAULTS, same, strict=True)) == dict.fromkeys(SINGLE_FAULTS, True)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_the_pauses_of_every_retry_mode_belong_to_the_run(mode: str, tmp_path: Path) -> None:
    """The SDK waits before it repeats a call: for how long follows from the seed, and it waits in the run's time."""
    throttle = {"refuse": {"process": "writer", "call": "dynamodb.PutItem", "probability": 0.4, "times": 6}}
    played = [play(tmp_path, faults=[throttle], workload={"sdk": {"retry_mode": mode}}) for _ in range(2)]
    first, second = ([op.to_json() for op in outcome.history] for outcome in played)
    assert first == second
    assert fired(played[0]) == [6]
    assert played[0].verdict == "valid", played[0]
