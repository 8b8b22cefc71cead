"""Checkers: from the history of a run, and nothing else, to its verdict.

`index` and `trace` arrange a history by intent. Each checker is a class that looks there for one kind of anomaly;
`judge` asks all of them. Any stored run can be judged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.checkers.base import Checker
from harness.checkers.index import UNREADABLE, HistoryIndex
from harness.checkers.lost import left_out
from harness.checkers.trace import ACKNOWLEDGED, UNRESOLVED
from harness.history import Operation
from harness.lazy_table import LazyTable
from harness.verdict import ANOMALIES, INVALID, UNKNOWN, Finding, Verdict, compose

# In the order in which their findings are reported.
CHECKERS: LazyTable[type[Checker]] = LazyTable(
    {
        "lost": "harness.checkers.lost:Lost",
        "duplicated": "harness.checkers.surplus:Duplicated",
        "phantom": "harness.checkers.surplus:Phantom",
        "reordered": "harness.checkers.order:Reordered",
        "wrong_final_state": "harness.checkers.order:WrongFinalState",
        "dead_lettered": "harness.checkers.lost:DeadLettered",
        "completeness": "harness.checkers.completeness:Completeness",
        "vacuity": "harness.checkers.completeness:Vacuity",
    }
)


def judge(
    operations: Sequence[Operation], ended: bool = True, own: Mapping[str, type[Checker]] | None = None
) -> Verdict:
    """Invalid beats unknown beats valid. A history that cannot be read, or a checker that raises, is unknown.

    ended: False for a run that was killed, which is not valid, however much of its history there is.
    own: the user's checkers by their words, in addition to CHECKERS.
    """
    own = own or {}
    try:
        index = HistoryIndex(operations)
    except UNREADABLE as error:
        reason = f"the history cannot be read: {error}"
        return Verdict(UNKNOWN, reasons=(reason,))
    findings = [_ask(checker_class(kind), index) for kind, checker_class in (*CHECKERS.items(), *own.items())]
    if not ended:
        findings.append(Finding("completeness", UNKNOWN, reasons=("the run ended before it had a verdict",)))
    anomalies = tuple(anomaly for finding in findings for anomaly in finding.anomalies)
    why = [finding for finding in findings if finding.checker == "completeness"] if index.lost_platform else findings
    reasons = dict.fromkeys(reason for finding in why for reason in finding.reasons)
    kinds = [anomaly.kind for anomaly in anomalies]
    counts = _counts(index) | {kind: kinds.count(kind) for kind in (*ANOMALIES, *own)}
    verdict = compose(finding.verdict for finding in findings)
    return Verdict(verdict, anomalies, tuple(reasons), counts, index.sinks.compared_with)


def faults(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """The faults of the scenario, in its order.

    armed: at how many points that it was aimed at it was asked; the nemesis says so when it heals, else it is 0.
    fired: how often it fired. There are none where the history cannot be read.
    """
    relevant = [operation for operation in operations if operation.process in ("harness", "nemesis")]
    try:
        states = HistoryIndex(relevant).faults
    except UNREADABLE:
        return []
    return [{"fault": state.fault, "armed": state.armed, "fired": state.fired} for state in states]


def _ask(checker: Checker, index: HistoryIndex) -> Finding:
    try:
        finding = checker.check(index)
        if not isinstance(finding, Finding):
            raise TypeError(f"check returned {type(finding).__name__}, not a Finding")
        if finding.verdict == INVALID and not finding.anomalies:
            return checker.unknown(f"checker {checker.kind} says invalid and names no anomaly")
        return finding
    except Exception as error:
        return checker.unknown(f"checker {checker.kind} raised {type(error).__name__}: {error}")


def _counts(index: HistoryIndex) -> dict[str, int]:
    """Effects at all sinks together, those without an intent included; deliveries only where they are observed.

    Left out are changes of which nothing was made, where the user says that this may be.
    """
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
        **({"left_out": sum(left_out(index, trace) for trace in index.intents)} if index.leaves_out else {}),
    }
