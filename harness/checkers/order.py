"""Order: effects of an item that landed in another order than its changes, and views whose final state is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checkers.base import Cause, Checker, Evidence, times, trail
from harness.checkers.index import HistoryIndex
from harness.checkers.lost import end_of_trail, refusal
from harness.checkers.surplus import applied_again
from harness.checkers.trace import ACKNOWLEDGED, FAILED, UNRESOLVED, IntentTrace, Span
from harness.history import COUNT, INFO, NOTHING, OK, Operation
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


class WrongFinalState(Checker):
    """An item does not end as its last acknowledged intent left it, or a view does not end as its source.

    The source is compared with what the writers learned, and a view with the source. The order of a writer's intents is
    the order in which they were first invoked. An intent whose outcome is unknown may be the final one or not, if it is
    later than the last acknowledged one. Where several writers share an item, each of them has a last one; what ended
    before another began is not the final one, and of the rest it is the last in the stream.
    """

    def check(self, index: HistoryIndex) -> Finding:
        if not index.settled:
            return self.unsettled()
        if index.sinks.source_unreadable:
            return self.finding(())
        views = dict.fromkeys((*index.views, *index.sinks.reference_views))
        anomalies = (each for view in views for each in (*self._view(index, view), *self._counts(index, view)))
        return self.finding((*self._source(index), *anomalies))

    def _source(self, index: HistoryIndex) -> Iterator[Anomaly]:
        states = index.source
        by_item: dict[str, list[IntentTrace]] = {item: [] for item in states}
        for trace in sorted(index.intents, key=lambda trace: trace.writes[0].opened.index):
            by_item.setdefault(trace.item, []).append(trace)
        for item, traces in by_item.items() if states or index.leaves_nothing else ():
            racing, unresolved = _last_ones(index, item, traces)
            expected = racing[-1]
            right = [trace.intent if trace and trace.leaves != NOTHING else None for trace in racing]
            allowed = [*right, *(trace.intent for trace in unresolved)]
            allowed += [None for trace in unresolved if trace.leaves == NOTHING]
            written = expected.landed_calls[-1:] if expected else []
            taken_out = (call for trace in traces[:1] for call in deletions(index, trace))
            allowed += [None for call in taken_out if not any(map(call.ended_before, written))]
            actual = _intent(states.get(item))
            if actual not in allowed:
                actual_trace = index.traces.get(actual or "")
                summary = f"item {item} ended as {actual or 'nothing'} instead of {right[-1] or 'nothing'}"
                evidence = (*_writing(actual_trace), *_writing(expected), *_shown(states.get(item)))
                cause = _source_cause(index, item, expected, actual_trace, actual)
                yield self.anomaly(item, summary, cause, evidence)
            elif item in states and any(trace.leaves == COUNT for trace in traces):
                yield from self._count(item, states[item], traces)

    def _count(self, item: str, state: Operation, traces: list[IntentTrace]) -> Iterator[Anomaly]:
        """An item that counts its changes counts each once; an unresolved one may be in the count or not."""
        least = sum(trace.status == ACKNOWLEDGED for trace in traces)
        most = least + sum(trace.status == UNRESOLVED for trace in traces)
        counted = state.value.get("changes", 0)
        if least <= counted <= most:
            return
        summary = f"item {item} counts {counted} changes; {least} were acknowledged"
        again = [trace for trace in traces if len(trace.landed_calls) > 1 and trace.status != FAILED]
        evidence: tuple[Evidence, ...] = (*(call for trace in again for call in trace.landed_calls), state)
        if counted > most and again:
            why = f"{again[0].intent} was sent {times(len(again[0].landed_calls))}, and each time it was added (S-13)"
            yield self.anomaly(item, summary, Cause("writer", why, tuple(again[0].fired)), evidence)
        else:
            why = "what the writers sent does not explain it"
            yield self.anomaly(item, summary, Cause("platform", why), evidence)

    def _view(self, index: HistoryIndex, name: str) -> Iterator[Anomaly]:
        sources, states = index.source, index.views.get(name, {})
        if name in index.sinks.unreadable:
            return
        for item in dict.fromkeys((*sources, *states)):
            source, view = _intent(sources.get(item)), _intent(states.get(item))
            if source == view:
                continue
            newest = index.traces.get(source or "")
            stale = index.traces.get(view or "")
            which = f"the view {name}" if index.sinks.several else "the view"
            summary = f"item {item} is {view or 'nothing'} in {which} and {source or 'nothing'} in the source"
            evidence = (*(trail(newest) if newest else ()), *_shown(sources.get(item), states.get(item)))
            at_the_view = index.sinks.of(newest, name) if newest else None
            yield self.anomaly(item, summary, _view_cause(index, at_the_view, stale), evidence)

    def _counts(self, index: HistoryIndex, name: str) -> Iterator[Anomaly]:
        """A view whose rows count changes, as the scenario says, counts each as often as without the faults."""
        counted = index.sinks.described.get(name, {}).get("count")
        for item, path, number, there in index.sinks.other_numbers(name, index.views.get(name, {}), index.source):
            if path != counted:
                continue
            traces = [index.sinks.of(trace, name) for trace in index.intents if trace.item == item]
            again = [trace for trace in traces if len(trace.effect_calls) > 1]
            summary = f"item {item} counts {number} in the view {name}, and {there} without the faults"
            state = index.views[name][item]
            if number > there and again:
                why = applied_again(index, again[0])
                cause = Cause(why.blame, f"{again[0].intent}: {why.why}", why.evidence)
                yield self.anomaly(item, summary, cause, (*trail(again[0]), state))
            else:
                yield self.anomaly(item, summary, Cause("function", "no call of it shows why"), (state,))


def deletions(index: HistoryIndex, trace: IntentTrace) -> list[Span]:
    """The function's own calls that may have deleted its item from the source, as a relay does with an outbox."""
    kept = ("dynamodb.PutItem", "dynamodb.UpdateItem")
    return [call for call in index.written_back(trace) if call.opened.f not in kept]


def _last_ones(
    index: HistoryIndex, item: str, traces: list[IntentTrace]
) -> tuple[Sequence[IntentTrace | None], list[IntentTrace]]:
    """The acknowledged intents that an item may end as, and those of unknown outcome that may be later than them.

    traces: those of the item, in the order in which they were first invoked. None stands for no acknowledged intent.
    """
    by_owner: dict[str, list[IntentTrace]] = {}
    for trace in traces:
        by_owner.setdefault(trace.owner if index.shared else item, []).append(trace)
    last: list[IntentTrace] = []
    unresolved: list[IntentTrace] = []
    for own in by_owner.values():
        acknowledged = [trace for trace in own if trace.status == ACKNOWLEDGED]
        last += acknowledged[-1:]
        later = own[own.index(acknowledged[-1]) + 1 :] if acknowledged else own
        unresolved += [trace for trace in later if trace.status == UNRESOLVED]
    racing = [trace for trace in last if not any(_surely_before(trace, each) for each in last)]
    place = {intent: number for number, intent in enumerate(index.orders.get(item, ()))}  # of its last record
    if len(racing) > 1 and all(trace.intent in place for trace in racing):
        return [max(racing, key=lambda trace: place[trace.intent])], unresolved
    return racing or [None], unresolved


def _surely_before(trace: IntentTrace, later: IntentTrace) -> bool:
    """By the writers' own operations, whatever copies of them do; one of unknown outcome may yet take place."""
    first, second = (
        next((write for write in each.writes if not write.value.get("copy")), each.writes[0]) for each in (trace, later)
    )
    return first.outcome == OK and first.ended_before(second)


def _intent(state: Operation | None) -> str | None:
    """No state of an item, in a table that was read, means that the item does not exist."""
    return state.value["intent"] if state else None


def _shown(*states: Operation | None) -> tuple[Evidence, ...]:
    return tuple(state for state in states if state)


def _writing(trace: IntentTrace | None) -> tuple[Evidence, ...]:
    return (*trace.writes, *trace.landed_calls, *trace.records, *trace.fired) if trace else ()


def _source_cause(
    index: HistoryIndex,
    item: str,
    expected: IntentTrace | None,
    present: IntentTrace | None,
    actual: str | None,
) -> Cause:
    """`present` is the trace of the intent `actual`, which the item carries in the end."""
    if actual and not (present and present.writes):
        return Cause("writer", f"{actual} is the final state, and no writer of this run wrote it")
    if present and present.status == FAILED:
        return Cause("writer", f"{present.intent} is the final state, although its writer reported a failure")
    if present and present.item != item:
        why = f"{present.intent} is a change of item {present.item}, and its writer wrote it to {item}"
        return Cause("writer", f"{why}: a writer writes the item of its change")
    assert expected  # otherwise every state is allowed but the three above
    committed = [call for call in expected.landed_calls if call.outcome == OK]
    elsewhere = [call for call in committed if call.value["items"] and item not in call.value["items"]]
    if elsewhere and len(elsewhere) == len(committed):
        other = ", ".join(elsewhere[0].value["items"])
        why = f"{elsewhere[0].opened.f} of {expected.intent} wrote item {other}: a writer writes the item of its change"
        return Cause("writer", why, (elsewhere[0],))
    left = [call for call in expected.calls if call.left(expected.intent)]
    if left and not committed:
        why = f"its {left[-1].opened.f} left {expected.intent} unprocessed, and the writer acknowledged it (S-23)"
        return Cause("writer", why, tuple(left[-1:]))
    if not committed:
        return Cause("writer", f"no call of {expected.intent} ended ok, yet the writer acknowledged it")
    return _undone(index, item, expected, present, committed)


def _undone(
    index: HistoryIndex, item: str, expected: IntentTrace, present: IntentTrace | None, committed: list[Span]
) -> Cause:
    """What came after the expected change, which took place by these calls."""
    own = [call for call in index.written_back(expected) if committed[-1].opened.index < call.last.index]
    if own and (not present or all(call.opened.index < own[-1].opened.index for call in present.landed_calls)):
        call = own[-1]
        back = f"{call.process} wrote the item back to the source ({call.opened.f}, #{call.opened.index})"
        return Cause("function", f"{back} after {expected.intent} was written (#{committed[-1].opened.index})", (call,))
    in_stream = index.orders.get(item, [])  # of a shared item
    if present and in_stream and in_stream[-1] == expected.intent:
        why = f"the last change of {item} in the stream is {expected.intent}, and the item is {present.intent}"
        return Cause("platform", why)
    if present:
        late = [c for c in present.landed_calls if c.outcome == INFO or not c.ended_before(committed[0])]
        if late:
            attempt = f"{late[-1].opened.f}, attempt {late[-1].value['attempt']}, of {present.intent}"
            return Cause("writer", f"{attempt} took place late and overwrote {expected.intent} (S-14)", tuple(late))
    return Cause("platform", f"{expected.intent} was written (#{committed[-1].opened.index}), and no call undid it")


def _view_cause(index: HistoryIndex, newest: IntentTrace | None, stale: IntentTrace | None) -> Cause:
    if newest is None:
        return Cause("function", "the source does not have the item, and the view does")
    if not any(execution.outcome == OK for execution in newest.executions):
        return end_of_trail(index, newest)
    last = newest.records[-1:]  # the item may have become what it was before: A, B, A
    first = next((each for each in newest.executions if last and each.carries(last[0])), newest.executions[0])
    again = stale.executions[-1:] if stale else []
    if stale and again and again[0].opened.index > first.opened.index:
        why = f"{again[0].process} got the older {stale.intent} after {newest.intent}, and overwrote it (P-01)"
        return Cause("function", why, (*again, *stale.fired))
    why = f"{newest.executions[-1].process} ended ok and left the view as it was"
    if stale and stale.records and last and newest.records[0].index < stale.records[-1].index < last[0].index:
        why = f"{newest.intent} was written again after {stale.intent}, and {why}"
    left = Cause("function", why)
    return refusal(newest, newest.executions[-1]) or left
