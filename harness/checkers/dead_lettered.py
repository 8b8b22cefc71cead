"""Dead-lettered: the mapping gave up on an intent and said so at its destination, and no sink has the effect."""

from __future__ import annotations

from collections.abc import Iterator

from harness.account import Account
from harness.checkers.base import Cause, anomaly, found, how_it_ended, not_settled, times, trail
from harness.history import OK
from harness.ledger import Ledger
from harness.verdict import Anomaly, Finding

TOO_OLD = "RecordAgeExceeded"


def check(ledger: Ledger) -> Finding:
    """Not lost without a word, but not applied either (S-82)."""
    if not ledger.settled:
        return not_settled("dead_lettered")
    return found("dead_lettered", _anomalies(ledger))


def _anomalies(ledger: Ledger) -> Iterator[Anomaly]:
    for account in ledger.accounts.values():
        if account.dead_letters and not ledger.applied(account):
            summary = f"intent {account.intent} was dead-lettered and never applied"
            yield anomaly("dead_lettered", account.intent, summary, _cause(account), trail(account))


def _cause(account: Account) -> Cause:
    condition = account.dead_letters[0].value["condition"]
    if condition == TOO_OLD and not account.executions:
        return Cause("mapping", f"{condition}: its record grew too old before the function was given it (S-69)")
    count = f"executed {times(len(account.executions))}" if account.executions else "the function never began"
    failed = [execution for execution in account.executions if execution.outcome != OK]
    last = f", at last {how_it_ended(failed[-1])}" if failed else ""
    return Cause("function", f"{condition}: {count}{last}")
