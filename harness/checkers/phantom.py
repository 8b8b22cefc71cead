"""Effects of intents that no writer has, or that surely failed."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.base import Cause, Checker, trail
from harness.checkers.index import HistoryIndex
from harness.checkers.trace import FAILED, NEVER_INVOKED, IntentTrace
from harness.history import OK
from harness.verdict import Anomaly, Finding


class Phantom(Checker):
    """An effect of an intent that no writer has written, or whose write surely failed."""

    def check(self, index: HistoryIndex) -> Finding:
        return self.finding(self._anomalies(index))

    def _anomalies(self, index: HistoryIndex) -> Iterator[Anomaly]:
        for trace in index.traces.values():
            if trace.status not in (NEVER_INVOKED, FAILED) or not trace.times_applied:
                continue
            if trace.status == NEVER_INVOKED:
                summary = f"intent {trace.intent} was applied, and no writer wrote it"
                yield self.anomaly(trace.intent, summary, _invented(trace), trail(trace))
            else:
                summary = f"intent {trace.intent} was applied, although its writer reported a failure"
                yield self.anomaly(trace.intent, summary, _denied(trace), trail(trace))


def _invented(trace: IntentTrace) -> Cause:
    if trace.records:
        return Cause("stream", "the stream has a record of it, although no writer of this run wrote it")
    return Cause("function", "neither a writer nor the stream has it: the function made it up")


def _denied(trace: IntentTrace) -> Cause:
    if not trace.landed_calls:
        return Cause("writer", "none of its calls can have taken place, and yet it was applied")
    call = trace.landed_calls[0]
    attempt = f"its {call.opened.f}, attempt {call.value['attempt']},"
    if call.outcome == OK:
        return Cause("writer", f"{attempt} had taken place when the writer gave up")
    why = "took place, its reply was lost, and the SDK's retry failed on that very write (S-07, S-11)"
    return Cause("writer", f"{attempt} {why}")
