"""Effects of one item in another order than its changes."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.base import Cause, Checker, trail
from harness.checkers.index import HistoryIndex
from harness.checkers.trace import IntentTrace
from harness.history import OK
from harness.verdict import Anomaly, Finding


class Reordered(Checker):
    """The effects of one item landed in another order than its records have in the stream.

    The records of one item are in the order of its changes (S-39); what counts is where each intent landed first.
    """

    def check(self, index: HistoryIndex) -> Finding:
        return self.finding(self._anomalies(index))

    def _anomalies(self, index: HistoryIndex) -> Iterator[Anomaly]:
        in_stream: dict[str, list[IntentTrace]] = {}
        recorded = [trace for trace in index.traces.values() if trace.records]
        for trace in sorted(recorded, key=lambda trace: trace.records[0].index):
            in_stream.setdefault(trace.item, []).append(trace)
        for item, traces in in_stream.items():
            inversion = _inversion(traces)
            if inversion:
                earlier, later = inversion
                summary = f"item {item}: {later.intent} landed before {earlier.intent}, which comes first in the stream"
                evidence = (*trail(earlier), *trail(later), *earlier.deliveries, *later.deliveries)
                yield self.anomaly(item, summary, _cause(earlier, later), evidence)


def _inversion(traces: list[IntentTrace]) -> tuple[IntentTrace, IntentTrace] | None:
    """The first two traces, in the order of the stream, whose effects landed the other way round at some sink."""
    latest: dict[str, tuple[int, IntentTrace]] = {}
    for trace in traces:
        for sink, order in _first_landing(trace).items():
            if sink in latest and order < latest[sink][0]:
                return latest[sink][1], trace
            latest[sink] = (order, trace)
    return None


def _first_landing(trace: IntentTrace) -> dict[str, int]:
    landing: dict[str, int] = {}
    for effect in trace.effects:
        sink, order = effect.value["sink"], effect.value["order"]
        if order is not None:
            landing[sink] = min(order, landing.get(sink, order))
    return landing


def _cause(earlier: IntentTrace, later: IntentTrace) -> Cause:
    """The mapping keeps the order if it hands over a record only when the earlier ones need no retry (S-66)."""
    if not later.hand_overs:
        return Cause("function", "no delivery shows why")
    first = later.hand_overs[0]
    if first in earlier.hand_overs:
        return _in_one_batch(earlier, later)
    ended = [delivery for delivery in earlier.hand_overs if delivery.ended_before(first)]
    if not ended:
        return Cause("mapping", f"it handed {later.intent} over before any delivery of {earlier.intent} had ended")
    came_again = any(delivery.opened.index > first.opened.index for delivery in earlier.hand_overs)
    if ended[-1].outcome != OK and came_again:
        return Cause("mapping", f"it went on to {later.intent} while {earlier.intent} still had to be retried")
    return Cause("function", "the deliveries were in order, and the function changed the order")


def _in_one_batch(earlier: IntentTrace, later: IntentTrace) -> Cause:
    landed = [next((call for call in each.effect_calls if call.outcome == OK), None) for each in (later, earlier)]
    before, after = (call.within if call else None for call in landed)
    if not before or not after:
        return Cause("function", "it had both in one batch, in order, and applied them the other way round")
    if before is after:
        return Cause(
            "function", f"{before.process} had both in one batch, in order, and applied them the other way round"
        )
    went_on = f"{before.process} had both in one batch, and applied {later.intent} without {earlier.intent}"
    failed = [call for call in earlier.function_calls if call.within is before and call.outcome != OK]
    why = f", whose {failed[-1].opened.f} had failed" if failed else ""
    return Cause("function", f"{went_on}{why}; {after.process} applied that later", tuple(failed[-1:]))
