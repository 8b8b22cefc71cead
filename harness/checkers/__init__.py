"""The checkers, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.checkers.base import Checker
from harness.checkers.completeness import check_completeness, check_vacuity
from harness.checkers.duplicated import check_duplicated
from harness.checkers.index import HistoryIndex
from harness.checkers.lost import check_dead_lettered, check_lost
from harness.checkers.phantom import check_phantom
from harness.checkers.reordered import check_reordered
from harness.checkers.trace import ACKNOWLEDGED, UNRESOLVED
from harness.checkers.wrong_final_state import check_wrong_final_state
from harness.history import Operation
from harness.verdict import ANOMALIES, UNKNOWN, Finding, Verdict, compose

CHECKERS: dict[str, Checker] = {
    "lost": check_lost,
    "duplicated": check_duplicated,
    "phantom": check_phantom,
    "reordered": check_reordered,
    "wrong_final_state": check_wrong_final_state,
    "dead_lettered": check_dead_lettered,
    "completeness": check_completeness,
    "vacuity": check_vacuity,
}


def judge(operations: Sequence[Operation], ended: bool = True) -> Verdict:
    """Invalid beats unknown beats valid. A history that cannot be read, or a checker that raises, is unknown.

    `ended` is False of a run that was killed: it is not valid, however much of its history is there.
    """
    try:
        index = HistoryIndex(operations)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"the history cannot be read: {type(error).__name__}: {error}"
        return Verdict(UNKNOWN, reasons=(reason,))
    findings = [_ask(name, checker, index) for name, checker in CHECKERS.items()]
    if not ended:
        findings.append(Finding("completeness", UNKNOWN, reasons=("the run ended before it had a verdict",)))
    anomalies = tuple(anomaly for finding in findings for anomaly in finding.anomalies)
    reasons = dict.fromkeys(reason for finding in findings for reason in finding.reasons)
    counts = _counts(index) | {kind: sum(anomaly.kind == kind for anomaly in anomalies) for kind in ANOMALIES}
    return Verdict(compose(finding.verdict for finding in findings), anomalies, tuple(reasons), counts)


def faults(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """The faults of the scenario, in its order: `armed` is at how many points that it was aimed at it was asked
    (the nemesis says so when it heals; 0 where it does not), `fired` how often it fired."""
    return [
        {"fault": state.fault, "armed": state.armed, "fired": state.fired} for state in HistoryIndex(operations).faults
    ]


def _ask(name: str, checker: Checker, index: HistoryIndex) -> Finding:
    try:
        return checker(index)
    except Exception as error:
        return Finding(name, UNKNOWN, reasons=(f"checker {name} raised {type(error).__name__}: {error}",))


def _counts(index: HistoryIndex) -> dict[str, int]:
    """Effects are counted at all sinks together, those without an intent included; deliveries where they are seen."""
    status = [trace.status for trace in index.intents]
    effects = [effect for trace in index.traces.values() for effect in trace.effects]
    return {
        "intents": len(status),
        "acknowledged": status.count(ACKNOWLEDGED),
        "unknown": status.count(UNRESOLVED),
        "records": len(index.records),
        **({} if index.deliveries_unseen else {"deliveries": len(index.deliveries)}),
        "executions": len(index.executions),
        "effects": sum(effect.value["count"] for effect in (*effects, *index.nameless_effects)),
    }
