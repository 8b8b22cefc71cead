"""Verdicts, findings and anomalies: the result of checking a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

VALID, INVALID, UNKNOWN = "valid", "invalid", "unknown"
VERDICTS = (VALID, INVALID, UNKNOWN)
ANOMALIES = ("lost", "duplicated", "phantom", "reordered", "wrong_final_state", "dead_lettered")
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
