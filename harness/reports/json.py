"""The report for programs: a list of runs, each with the version of its format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.reports.base import HistoryOf
from harness.result import RunResult

FORMAT = 1


def render(results: Sequence[RunResult], history_of: HistoryOf) -> str:
    return json.dumps([entry(result) for result in results], indent=2, ensure_ascii=False) + "\n"


def entry(result: RunResult) -> dict[str, Any]:
    """One run. A key may be added within a format; one that changes its meaning, or goes, makes a new format."""
    return {
        "format": FORMAT,
        "scenario": result.scenario,
        "variant": result.variant,
        "platform": result.platform,
        "seed": result.seed,
        "verdict": result.verdict.verdict,
        "expectation_met": result.expectation_met,
        "expectation_reason": result.expectation_reason,
        "difference": result.difference,
        "counts": dict(result.verdict.counts),
        "faults": list(result.faults),
        "anomalies": [anomaly.to_dict() for anomaly in result.verdict.anomalies],
        "reasons": list(result.verdict.reasons),
        "run_folder": str(result.run_folder),
    }
