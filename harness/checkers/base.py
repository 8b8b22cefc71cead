"""The contract of a checker: from the index of a finished history to a finding. Pure: it sees nothing else.

A checker says `unknown`, with a reason, where the history does not reach far enough to tell. It never guesses.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.checkers.index import HistoryIndex
from harness.checkers.trace import IntentTrace, Span
from harness.history import FAIL, OK, Operation
from harness.verdict import INVALID, UNKNOWN, VALID, Anomaly, Finding

Checker = Callable[[HistoryIndex], Finding]
Evidence = Operation | Span
MAX_OF_MANY = 10  # operations of a kind that an anomaly names at each end, when there are many
MAX_ERROR = 100  # characters of an error in a sentence


@dataclass(frozen=True, slots=True)
class Cause:
    """Who is to blame, why in one sentence, and the operations that show it."""

    blame: str
    why: str
    evidence: tuple[Evidence, ...] = ()


def found(checker: str, anomalies: Iterable[Anomaly]) -> Finding:
    """Invalid with the anomalies, valid without any."""
    seen = tuple(anomalies)
    return Finding(checker, INVALID if seen else VALID, seen)


def not_settled(checker: str) -> Finding:
    return Finding(checker, UNKNOWN, reasons=("what is missing may still come: the run was not drained and read back",))


def anomaly(kind: str, subject: str, summary: str, cause: Cause, evidence: Iterable[Evidence] = ()) -> Anomaly:
    """The operations of an anomaly are in the order of the history, each once."""
    indices: set[int] = set()
    for item in (*evidence, *cause.evidence):
        operations = (item,) if isinstance(item, Operation) else (item.opened, item.closed)
        indices.update(operation.index for operation in operations if operation)
    return Anomaly(kind, subject, cause.blame, summary, cause.why, tuple(sorted(indices)))


def trail(trace: IntentTrace) -> tuple[Evidence, ...]:
    """What bears on an intent, from its writer to its effects; of many retries the first and the last."""
    broken = [fault for execution in trace.executions if execution.outcome != OK for fault in execution.faults]
    return (
        *trace.writes,
        *_ends(trace.landed_calls),
        *_ends(trace.records),
        *_ends(trace.fired),
        *_ends(broken),
        *_ends(trace.executions),
        *_ends(trace.effect_calls),
        *_ends(trace.discards),
        *trace.filters,
        *trace.dead_letters,
        *trace.effects,
    )


def _ends(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    return evidence if len(evidence) <= 2 * MAX_OF_MANY else (*evidence[:MAX_OF_MANY], *evidence[-MAX_OF_MANY:])


def times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def by(fault: Operation | None) -> str:
    """The fault in brackets, where one explains what took place."""
    return f" ({fault.f}, #{fault.index})" if fault else ""


def how_it_ended(execution: Span) -> str:
    """`function/3 broke off (crash, #41)`: an execution that did not end ok, its error, and the last fault in it."""
    verb = "raised" if execution.outcome == FAIL else "broke off"
    error = textwrap.shorten(execution.error or "", MAX_ERROR, placeholder="…")
    shown = f" ({error})" if error and (execution.outcome == FAIL or not execution.faults) else ""
    return f"{execution.process} {verb}{shown}{by(execution.faults[-1] if execution.faults else None)}"
