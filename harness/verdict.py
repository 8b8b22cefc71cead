"""Verdicts and anomalies: what a run is found to be."""

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
    """What one checker says. `reasons` say why it does not know; they are empty unless the verdict is unknown."""

    checker: str
    verdict: str
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a run: its findings composed."""

    verdict: str
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def compose(verdicts: Iterable[str]) -> str:
    """Invalid beats unknown beats valid; nothing at all is unknown, because nothing was checked."""
    found = set(verdicts)
    if not found:
        return UNKNOWN
    return next(verdict for verdict in (INVALID, UNKNOWN, VALID) if verdict in found)
