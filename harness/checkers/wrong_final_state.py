"""Wrong final state: an item is not, in the end, what its last acknowledged intent made of it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.base import Cause, Evidence, anomaly, found, not_settled, times, trail
from harness.checkers.index import HistoryIndex
from harness.checkers.lost import end_of_trail, refusal
from harness.checkers.trace import ACKNOWLEDGED, FAILED, UNRESOLVED, IntentTrace
from harness.history import COUNT, INFO, NOTHING, OK, Operation
from harness.verdict import Anomaly, Finding


def check_wrong_final_state(index: HistoryIndex) -> Finding:
    """An item is not, in the end, what its last acknowledged intent made of it.

    The source is compared with what the writers were told; a view is compared with the source.

    One writer owns an item, so the order of its intents is the order in which they were first invoked.
    An intent later than the last acknowledged one may be there or not, when nobody knows how it ended.
    """
    if not index.settled:
        return not_settled("wrong_final_state")
    return found("wrong_final_state", (*_source(index), *_views(index)))


def _source(index: HistoryIndex) -> Iterator[Anomaly]:
    states = index.states["source"]
    by_item: dict[str, list[IntentTrace]] = {item: [] for item in states}
    for trace in sorted(index.intents, key=lambda trace: trace.writes[0].opened.index):
        by_item.setdefault(trace.item, []).append(trace)
    for item, traces in by_item.items() if states or index.leaves_nothing else ():
        acknowledged = [trace for trace in traces if trace.status == ACKNOWLEDGED]
        expected = acknowledged[-1] if acknowledged else None
        later = traces[traces.index(expected) + 1 :] if expected else traces
        unresolved = [trace for trace in later if trace.status == UNRESOLVED]
        allowed = [expected.intent if expected and expected.leaves != NOTHING else None]
        allowed += [trace.intent for trace in unresolved]
        allowed += [None for trace in unresolved if trace.leaves == NOTHING]
        actual = _intent(states.get(item))
        if actual not in allowed:
            there = index.traces.get(actual or "")
            summary = f"item {item} ended as {actual or 'nothing'} instead of {allowed[0] or 'nothing'}"
            evidence = (*_writing(there), *_writing(expected), *_shown(states.get(item)))
            cause = _source_cause(expected, there, actual)
            yield anomaly("wrong_final_state", item, summary, cause, evidence)
        elif item in states and any(trace.leaves == COUNT for trace in traces):
            yield from _count(item, states[item], traces)


def _count(item: str, state: Operation, traces: list[IntentTrace]) -> Iterator[Anomaly]:
    """An item that counts its changes counts each once; one that nobody knows of may be in the count or not."""
    least = sum(trace.status == ACKNOWLEDGED for trace in traces)
    most = least + sum(trace.status == UNRESOLVED for trace in traces)
    counted = state.value.get("changes", 0)
    if least <= counted <= most:
        return
    summary = f"item {item} counts {counted} changes; {least} were acknowledged"
    again = [trace for trace in traces if len(trace.landed_calls) > 1 and trace.status != FAILED]
    evidence: tuple[Evidence, ...] = (*(call for trace in again for call in trace.landed_calls), state)
    if counted > most and again:
        told = f"{again[0].intent} was sent {times(len(again[0].landed_calls))}, and each time it was added (S-13)"
        yield anomaly("wrong_final_state", item, summary, Cause("writer", told, tuple(again[0].fired)), evidence)
    else:
        told = "what the writers sent does not explain it"
        yield anomaly("wrong_final_state", item, summary, Cause("platform", told), evidence)


def _intent(state: Operation | None) -> str | None:
    """An item that nobody read, in a table that was read, is not there."""
    return state.value["intent"] if state else None


def _shown(*states: Operation | None) -> tuple[Evidence, ...]:
    return tuple(state for state in states if state)


def _writing(trace: IntentTrace | None) -> tuple[Evidence, ...]:
    return (*trace.writes, *trace.landed_calls, *trace.records, *trace.fired) if trace else ()


def _source_cause(expected: IntentTrace | None, there: IntentTrace | None, actual: str | None) -> Cause:
    if actual and not (there and there.writes):
        return Cause("writer", f"{actual} is there, and no writer of this run invoked it")
    if there and there.status == FAILED:
        return Cause("writer", f"{there.intent} is there, although its writer says that it failed")
    assert expected  # without one, whatever is not of these two kinds is allowed
    committed = [call for call in expected.landed_calls if call.outcome == OK]
    left = [call for call in expected.calls if call.left(expected.intent)]
    if left and not committed:
        told = f"its {left[-1].opened.f} left {expected.intent} unprocessed, and the writer acknowledged it (S-23)"
        return Cause("writer", told, tuple(left[-1:]))
    if not committed:
        return Cause("writer", f"no call of {expected.intent} ended ok, yet the writer acknowledged it")
    if there:
        late = [c for c in there.landed_calls if c.outcome == INFO or not c.ended_before(committed[0])]
        if late:
            attempt = f"{late[-1].opened.f}, attempt {late[-1].value['attempt']}, of {there.intent}"
            return Cause("writer", f"{attempt} took place late and overwrote {expected.intent} (S-14)", tuple(late))
    return Cause("platform", f"{expected.intent} was written (#{committed[-1].opened.index}), and no call undid it")


def _views(index: HistoryIndex) -> Iterator[Anomaly]:
    sources, views = index.states["source"], index.states["view"]
    for item in dict.fromkeys((*sources, *views)) if views else ():
        source, view = _intent(sources.get(item)), _intent(views.get(item))
        if source == view:
            continue
        newest = index.traces.get(source or "")
        stale = index.traces.get(view or "")
        summary = f"item {item} is {view or 'nothing'} in the view and {source or 'nothing'} in the source"
        evidence = (*(trail(newest) if newest else ()), *_shown(sources.get(item), views.get(item)))
        yield anomaly("wrong_final_state", item, summary, _view_cause(index, newest, stale), evidence)


def _view_cause(index: HistoryIndex, newest: IntentTrace | None, stale: IntentTrace | None) -> Cause:
    if newest is None:
        return Cause("function", "the source does not have the item, and the view does")
    if not any(execution.outcome == OK for execution in newest.executions):
        return end_of_trail(index, newest)
    first, again = newest.executions[0], stale.executions[-1:] if stale else []
    if stale and again and again[0].opened.index > first.opened.index:
        why = f"{again[0].process} was given the older {stale.intent} after {newest.intent}, and overwrote it (P-01)"
        return Cause("function", why, (*again, *stale.fired))
    left = Cause("function", f"{newest.executions[-1].process} ended ok and left the view as it was")
    return refusal(newest, newest.executions[-1]) or left
