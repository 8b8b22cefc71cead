"""Completeness: the run went through all its phases, came to rest, and everything was read back."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.index import Ledger
from harness.history import FAIL, OK
from harness.verdict import UNKNOWN, VALID, Finding

PHASES = ("deploy", "drive", "heal", "drain", "read_back", "destroy")


def check_completeness(ledger: Ledger) -> Finding:
    """The run went through all its phases, came to rest, and everything was read back.

    A history that was cut anywhere says less than it seems to: unknown.
    """
    reasons = tuple(_incomplete(ledger))
    return Finding("completeness", UNKNOWN if reasons else VALID, reasons=reasons)


def _incomplete(ledger: Ledger) -> Iterator[str]:
    gap = next((place for place, op in enumerate(ledger.operations) if op.index != place), None)
    if gap is not None:
        yield f"operation #{gap} is missing from the history"
    yield from _phases(ledger)
    for span in ledger.disruptions:
        if span.outcome == FAIL:
            yield f"{span.opened.f} could not be done: {span.error}"
        elif span.outcome != OK:
            yield f"{span.opened.f} was never put right"
    if ledger.read_back:
        yield from _not_read(ledger)


def _phases(ledger: Ledger) -> Iterator[str]:
    begun = [op.value["phase"] for op in ledger.phases if "quiet" not in op.value and "complete" not in op.value]
    for position, phase in enumerate(PHASES):
        if begun[position : position + 1] != [phase]:
            yield f"phase {phase} is missing, or not in its place; the phases were: {', '.join(begun) or 'none'}"
            break
    if len(begun) < PHASES.index("read_back"):
        return
    order = [op.value["phase"] for op in ledger.phases]
    if ledger.drained is None or order.index("read_back") < ledger.phases.index(ledger.drained):
        yield "nobody says whether the pipeline came to rest before it was read"
    elif not ledger.drained.value["quiet"]:
        yield f"the pipeline did not come to rest: {ledger.drained.value.get('reason') or 'no reason was given'}"
    if not ledger.read_back:
        yield "reading back was not completed"


def _not_read(ledger: Ledger) -> Iterator[str]:
    if not ledger.records:
        yield "no record was read from the stream"
    if not ledger.states["source"] and not ledger.leaves_nothing:
        yield "no item was read from the source"


def check_vacuity(ledger: Ledger) -> Finding:
    """Something was written, something landed, and every fault of the scenario fired.

    A run in which nothing could go wrong proves nothing: unknown.
    """
    reasons = tuple(_vacuous(ledger))
    return Finding("vacuity", UNKNOWN if reasons else VALID, reasons=reasons)


def _vacuous(ledger: Ledger) -> Iterator[str]:
    if not ledger.intents:
        yield "no writer invoked anything: nothing was measured"
    if not any(account.times_applied for account in ledger.accounts.values()) and not ledger.only_a_view:
        yield "no effect landed at any sink: nothing was measured"
    for index, fault in enumerate(ledger.faults):
        if not fault.fired:
            points = "point" if fault.armed == 1 else "points"
            yield f"faults[{index}]: {fault.fault} never fired; {fault.armed} {points} matched its aim"
