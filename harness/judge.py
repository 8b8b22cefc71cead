"""Judge a history: every checker, one verdict. Needs nothing but the operations, so any stored run can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.account import ACKNOWLEDGED, UNRESOLVED
from harness.checkers import CHECKERS
from harness.checkers.base import Checker
from harness.history import Operation
from harness.ledger import Ledger
from harness.verdict import ANOMALIES, UNKNOWN, Finding, Verdict, compose


def judge(operations: Sequence[Operation], ended: bool = True) -> Verdict:
    """Invalid beats unknown beats valid. A history that cannot be read, or a checker that raises, is unknown.

    `ended` is False of a run that was killed: it is not valid, however much of its history is there.
    """
    try:
        ledger = Ledger(operations)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"the history cannot be read: {type(error).__name__}: {error}"
        return Verdict(UNKNOWN, reasons=(reason,))
    findings = [_ask(name, checker, ledger) for name, checker in CHECKERS.items()]
    if not ended:
        findings.append(Finding("completeness", UNKNOWN, reasons=("the run ended before it had a verdict",)))
    anomalies = tuple(anomaly for finding in findings for anomaly in finding.anomalies)
    reasons = dict.fromkeys(reason for finding in findings for reason in finding.reasons)
    counts = _counts(ledger) | {kind: sum(anomaly.kind == kind for anomaly in anomalies) for kind in ANOMALIES}
    return Verdict(compose(finding.verdict for finding in findings), anomalies, tuple(reasons), counts)


def faults(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """The faults of the scenario, in its order: `armed` is at how many points that it was aimed at it was asked
    (the nemesis says so when it heals; 0 where it does not), `fired` how often it fired."""
    return [{"fault": state.fault, "armed": state.armed, "fired": state.fired} for state in Ledger(operations).faults]


def _ask(name: str, checker: Checker, ledger: Ledger) -> Finding:
    try:
        return checker(ledger)
    except Exception as error:
        return Finding(name, UNKNOWN, reasons=(f"checker {name} raised {type(error).__name__}: {error}",))


def _counts(ledger: Ledger) -> dict[str, int]:
    """Effects are counted at all sinks together, those without an intent included; deliveries where they are seen."""
    status = [account.status for account in ledger.intents]
    effects = [effect for account in ledger.accounts.values() for effect in account.effects]
    return {
        "intents": len(status),
        "acknowledged": status.count(ACKNOWLEDGED),
        "unknown": status.count(UNRESOLVED),
        "records": len(ledger.records),
        **({} if ledger.deliveries_unseen else {"deliveries": len(ledger.deliveries)}),
        "executions": len(ledger.executions),
        "effects": sum(effect.value["count"] for effect in (*effects, *ledger.nameless_effects)),
    }
