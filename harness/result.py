"""The result of one run: what was asked, what was found, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.verdict import Verdict


@dataclass(frozen=True, slots=True)
class RunResult:
    """`expectation` is what the scenario expected, in words; `expectation_reason` says why it was met or not.

    `faults` are those of `harness.checkers.faults`: fault, armed, fired. `wall_seconds` is how long the run took here.
    `run_folder` is empty for a run that was not kept.
    `again` is the command that runs it again, where there is one. `difference` says why the expectation is not the one
    for other platforms, where it is not.
    """

    scenario: str
    question: str
    variant: str
    platform: str
    seed: int
    verdict: Verdict
    expectation: str
    expectation_met: bool
    expectation_reason: str
    faults: tuple[dict[str, Any], ...]
    run_folder: Path | str
    wall_seconds: float
    again: str | None = None
    difference: str | None = None
