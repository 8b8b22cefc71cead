"""Vacuity: something was written, something landed, and every fault of the scenario fired."""

from __future__ import annotations

from collections.abc import Iterator

from harness.ledger import Ledger
from harness.verdict import UNKNOWN, VALID, Finding


def check(ledger: Ledger) -> Finding:
    """A run in which nothing could go wrong proves nothing: unknown."""
    reasons = tuple(_reasons(ledger))
    return Finding("vacuity", UNKNOWN if reasons else VALID, reasons=reasons)


def _reasons(ledger: Ledger) -> Iterator[str]:
    if not ledger.intents:
        yield "no writer invoked anything: nothing was measured"
    if not any(account.times_applied for account in ledger.accounts.values()) and not ledger.only_a_view:
        yield "no effect landed at any sink: nothing was measured"
    for index, fault in enumerate(ledger.faults):
        if not fault.fired:
            points = "point" if fault.armed == 1 else "points"
            yield f"faults[{index}]: {fault.fault} never fired; {fault.armed} {points} matched its aim"
