"""Each benchmark runs, and prints a ratio. How large it is, is not a test's business."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import call_cost, judging, memory, run_rate, startup
from bench.rounds import by_turns

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Callable[[], str]] = {
    "startup": lambda: startup.measure(rounds=1, job=("-m", "harness", "run", "scenarios/baseline.yaml")),
    "lint": lambda: startup.measure_lint(rounds=1),
    "call cost": lambda: call_cost.measure(rounds=1, calls=3),
    "run rate": lambda: run_rate.measure(rounds=1, runs=1),
    "judging": lambda: judging.measure(sizes=[1]),
    "memory": lambda: memory.measure(first=1, runs=2),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_prints_a_ratio(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the smallest sizes each says how many times as long its subject takes."""
    monkeypatch.chdir(ROOT)
    assert re.search(r"\b\d+\.\d\dx\b", SMALL[name]())


def test_the_first_round_does_not_count() -> None:
    """The first round warms up; of the others the median counts, for the ratio too."""
    subject, reference = iter([900.0, 2.0, 30.0, 4.0]), iter([1.0, 1.0, 10.0, 1.0])
    pair = by_turns(lambda: next(subject), lambda: next(reference), rounds=3)
    assert (pair.subject, pair.reference, pair.ratio) == (4.0, 1.0, 3.0)
