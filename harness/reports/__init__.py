"""Reports: what a run was found to be, for people (`text`, `table`), for programs (`to_json`) and as an exit code.

All are made from `RunResult`s, and are pure; others print them or write them to files. `progress` is what shows on a
terminal while runs last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from harness.verdict import UNKNOWN, Verdict

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


class ExitCode(IntEnum):
    """A finding about the pipeline is MET or VIOLATED, by whether it was expected; it is never an error."""

    MET = 0
    VIOLATED = 1
    NOT_KNOWN = 2
    INTERRUPTED = 130
    USER_MISTAKE = 254
    OUR_MISTAKE = 255


def exit_code(results: Iterable[RunResult]) -> ExitCode:
    """Violated beats unknown beats met. Where nothing was run nothing is known."""
    codes = {_exit_code_of(result) for result in results} or {ExitCode.NOT_KNOWN}
    return next((code for code in (ExitCode.VIOLATED, ExitCode.NOT_KNOWN) if code in codes), ExitCode.MET)


def _exit_code_of(result: RunResult) -> ExitCode:
    if result.expectation_met:
        return ExitCode.MET
    return ExitCode.NOT_KNOWN if result.verdict.verdict == UNKNOWN else ExitCode.VIOLATED
