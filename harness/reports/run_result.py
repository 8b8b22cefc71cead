"""The result of one run, and the report for programs, which is a list of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.verdict import Verdict

FORMAT = 1


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of one run: what was asked, what was found, and where to look.

    expectation_reason: what the scenario expected, what was found, and so why the expectation is met or not.
    faults: those of `harness.checkers.faults`: fault, armed, fired.
    run_folder: empty for a run that was not kept.
    wall_seconds: how long the run took here.
    again: the command that runs it again, where there is one.
    difference: why the expectation is not the one for other platforms, where it is not.
    emulator: what answered in place of LocalStack, where it was something else.
    """

    scenario: str
    question: str
    variant: str
    platform: str
    seed: int
    verdict: Verdict
    expectation_met: bool
    expectation_reason: str
    faults: tuple[dict[str, Any], ...]
    run_folder: Path | str
    wall_seconds: float
    again: str | None = None
    difference: str | None = None
    emulator: str | None = None

    @property
    def where(self) -> str:
        """The platform, or what stood in for it, as it is shown."""
        return self.emulator or self.platform

    def to_dict(self) -> dict[str, Any]:
        """A key may be added within a format; one that changes its meaning, or goes, makes a new format."""
        return {
            "format": FORMAT,
            "scenario": self.scenario,
            "variant": self.variant,
            "platform": self.platform,
            "emulator": self.emulator,
            "seed": self.seed,
            "verdict": self.verdict.verdict,
            "expectation_met": self.expectation_met,
            "expectation_reason": self.expectation_reason,
            "difference": self.difference,
            "counts": dict(self.verdict.counts),
            "faults": list(self.faults),
            "anomalies": [anomaly.to_dict() for anomaly in self.verdict.anomalies],
            "reasons": list(self.verdict.reasons),
            "reference": self.verdict.reference,
            "run_folder": str(self.run_folder),
        }


def to_json(results: Sequence[RunResult]) -> str:
    """The report for programs: a list of runs, each with the version of its format."""
    return json.dumps([result.to_dict() for result in results], indent=2, ensure_ascii=False) + "\n"
