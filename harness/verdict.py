"""Verdicts, findings and anomalies: the result of checking a history. RunResult: the result of a whole run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VALID, INVALID, UNKNOWN = "valid", "invalid", "unknown"
VERDICTS = (VALID, INVALID, UNKNOWN)
ANOMALIES = ("lost", "duplicated", "phantom", "reordered", "wrong_final_state", "dead_lettered")
FORMAT = 1  # of a run in the report for programs
PARTIES = ("writer", "stream", "mapping", "function", "platform")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One named violation: `subject` is the intent or item, `operations` the indices that prove it.

    `summary` is one sentence of what happened; `why` is one sentence of the cause.
    """

    kind: str
    subject: str
    blame: str
    summary: str
    why: str
    operations: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "subject": self.subject,
            "blame": self.blame,
            "summary": self.summary,
            "why": self.why,
            "operations": list(self.operations),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one checker. reasons: why it does not know; empty unless the verdict is unknown."""

    checker: str
    verdict: str
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a run: its findings composed.

    reference: of the run without faults that it was compared with: platform, verdict, and why it is not valid.
    """

    verdict: str
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    reference: dict[str, str] | None = None


def compose(verdicts: Iterable[str]) -> str:
    """Invalid beats unknown beats valid. Without any verdict nothing was checked, so the result is unknown."""
    verdicts = set(verdicts)
    return next((verdict for verdict in (INVALID, UNKNOWN, VALID) if verdict in verdicts), UNKNOWN)


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
