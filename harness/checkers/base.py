"""The contract of a checker: from the index of a finished history to a finding. Pure: it sees nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.checkers.index import HistoryIndex
from harness.checkers.trace import IntentTrace, Span
from harness.history import FAIL, OK, Operation
from harness.verdict import INVALID, UNKNOWN, VALID, Anomaly, Finding

Evidence = Operation | Span
MAX_OF_MANY = 10  # operations of a kind that an anomaly names at each end, when there are many
MAX_ERROR = 100  # characters of an error in a sentence


@dataclass(frozen=True, slots=True)
class Cause:
    """Who is to blame (one of `harness.verdict.PARTIES`), why in one sentence, and the operations that show it."""

    blame: str
    why: str
    evidence: tuple[Evidence, ...] = ()


class Checker:
    """Looks for one kind of anomaly. The first paragraph of its docstring says which.

    kind: the word by which scenarios, reports and expectations name the checker and its anomalies.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def check(self, index: HistoryIndex) -> Finding:
        """What the history shows: `unknown`, with a reason, where it does not reach far enough. Never a guess."""
        raise NotImplementedError

    def finding(self, anomalies: Iterable[Anomaly]) -> Finding:
        """Invalid with the anomalies, valid without any."""
        anomalies = tuple(anomalies)
        return Finding(self.kind, INVALID if anomalies else VALID, anomalies)

    def unknown(self, *reasons: str) -> Finding:
        return Finding(self.kind, UNKNOWN, reasons=reasons)

    def unsettled(self) -> Finding:
        """For a checker that looks for what is missing, as long as the index is not `settled`."""
        return self.unknown("what is missing may still come: the run was not drained and read back")

    def anomaly(self, subject: str, summary: str, cause: Cause, evidence: Iterable[Evidence] = ()) -> Anomaly:
        """One anomaly. Its operations are in the order of the history, each once."""
        indices: set[int] = set()
        for item in (*evidence, *cause.evidence):
            operations = (item,) if isinstance(item, Operation) else (item.opened, item.closed)
            indices.update(operation.index for operation in operations if operation)
        return Anomaly(self.kind, subject, cause.blame, summary, cause.why, tuple(sorted(indices)))


def by_cause(causes: Iterable[tuple[str, Cause]]) -> list[tuple[list[str], Cause]]:
    """The sinks of one intent, together where the same happened at them: one anomaly for each cause."""
    alike: dict[tuple[str, str], tuple[list[str], Cause]] = {}
    for sink, cause in causes:
        alike.setdefault((cause.blame, cause.why), ([], cause))[0].append(sink)
    return list(alike.values())


def trail(trace: IntentTrace) -> tuple[Evidence, ...]:
    """The evidence of an intent, from its writer to its effects; of many retries the first and the last."""
    broken = [fault for execution in trace.executions if execution.outcome != OK for fault in execution.faults]
    return (
        *trace.writes,
        *ends(trace.landed_calls),
        *ends(trace.records),
        *ends(trace.fired),
        *ends(broken),
        *ends(trace.executions),
        *ends(trace.effect_calls),
        *ends(trace.discards),
        *trace.filters,
        *trace.dead_letters,
        *trace.effects,
    )


def ends(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """Of many the first and the last."""
    return evidence if len(evidence) <= 2 * MAX_OF_MANY else (*evidence[:MAX_OF_MANY], *evidence[-MAX_OF_MANY:])


def times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def by(fault: Operation | None) -> str:
    """The fault in brackets, or nothing without one."""
    return f" ({fault.f}, #{fault.index})" if fault else ""


def how_it_ended(execution: Span) -> str:
    """`function/3 broke off (crash, #41)`: an execution that did not end ok, its error, and the last fault in it."""
    verb = "raised" if execution.outcome == FAIL else "broke off"
    said, at, place = (execution.error or "").rpartition(" at ")  # the line of the user's source
    error = f"{textwrap.shorten(said or place, MAX_ERROR, placeholder='…')}{at}{place if at else ''}"
    shown = f" ({error})" if error and (execution.outcome == FAIL or not execution.faults) else ""
    return f"{execution.process} {verb}{shown}{by(execution.faults[-1] if execution.faults else None)}"
