"""Whether a history reaches far enough to be judged: completeness, and vacuity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checkers.base import Checker
from harness.checkers.index import HistoryIndex
from harness.checkers.lost import moved, superseded
from harness.checkers.order import deletions
from harness.checkers.trace import ACKNOWLEDGED
from harness.history import FAIL, MICROSECONDS, OK
from harness.verdict import VALID, Finding

MAX_NAMED = 3  # intents in a sentence
MAX_EARLY_SECONDS = 1.0  # by which clocks may differ
PHASES = ("deploy", "drive", "heal", "drain", "read_back", "destroy")


class Completeness(Checker):
    """The run went through all its phases, became quiet, and everything was read back.

    A history that was cut anywhere says less than it seems to: unknown.
    """

    def check(self, index: HistoryIndex) -> Finding:
        reasons = tuple(_incomplete(index))
        return self.unknown(*reasons) if reasons else self.finding(())


class Vacuity(Checker):
    """Something was acknowledged, what landed can be read and compared, and every fault of the scenario fired.

    A run in which nothing could go wrong proves nothing: unknown.
    """

    def check(self, index: HistoryIndex) -> Finding:
        reasons = tuple(_vacuous(index))
        return self.unknown(*reasons) if reasons else self.finding(())


def _incomplete(index: HistoryIndex) -> Iterator[str]:
    gap = next((number for number, op in enumerate(index.operations) if op.index != number), None)
    if gap is not None:
        yield f"operation #{gap} is missing from the history"
    if lost := index.lost_platform:
        yield f"the platform was lost in phase {lost.value['phase']}: {lost.error}"
    else:
        yield from _phases(index)
    for span in index.disruptions:
        if span.outcome == FAIL:
            yield f"{span.opened.f} failed: {span.error}"
        elif span.outcome != OK:
            yield f"{span.opened.f} began and never ended"
    if index.read_back:
        yield from _not_read(index)


def _phases(index: HistoryIndex) -> Iterator[str]:
    begun = [op.value["phase"] for op in index.phases if "quiet" not in op.value and "complete" not in op.value]
    for position, phase in enumerate(PHASES):
        if begun[position : position + 1] != [phase]:
            yield f"phase {phase} is missing or out of order; the phases were: {', '.join(begun) or 'none'}"
            break
    if len(begun) < PHASES.index("read_back"):
        return
    order = [op.value["phase"] for op in index.phases]
    if index.drained is None or order.index("read_back") < index.phases.index(index.drained):
        yield "the history does not say whether the pipeline was quiet before it was read"
    elif not index.drained.value["quiet"]:
        yield f"the pipeline did not become quiet: {index.drained.value.get('reason') or 'no reason was given'}"
    if not index.read_back:
        yield "reading back did not end"


def _cut_short(index: HistoryIndex) -> Iterator[str]:
    """Disruptions that the end of the drive phase ended: less was tried than the scenario says."""
    for span in index.disruptions:
        lasts = span.value.get("seconds") or 0
        lasted = (span.last.time - span.opened.time) / MICROSECONDS
        if span.outcome == OK and lasted + MAX_EARLY_SECONDS < lasts:
            yield (
                f"{span.opened.f} was to last {lasts:g} s, and ended with the drive phase after {lasted:g} s: "
                "limits.drive must be longer"
            )


def _not_read(index: HistoryIndex) -> Iterator[str]:
    if not index.records:
        yield "no record was read from the stream"
    emptied = index.leaves_nothing or all(deletions(index, trace) for trace in index.intents)
    if not index.source and not emptied:
        yield "no item was read from the source"


def _unacknowledged(index: HistoryIndex) -> str:
    """What the writer must do; the error of its first operation, where that had one."""
    first = index.intents[0].writes[0]
    if first.error:
        return f"The first ended with {first.error}"
    return "`write` of a writer returns True (it happened), False (it surely did not) or None (nobody knows)"


_UNSURE = "whether that is meant cannot be judged"


def _incomparable(index: HistoryIndex) -> Iterator[str]:
    """What is otherwise than without the faults, and may be meant so: failing over, and what depends on chance."""
    failed_over: dict[tuple[str, str], list[str]] = {}
    for trace in index.intents if index.sinks.owing() else ():
        applied = trace.times_at
        for sink in index.sinks.owing(trace.intent) if trace.took_place else ():
            if applied.get(sink):
                continue
            without = f"{trace.intent} landed at {sink} without the faults"
            if later := superseded(index, trace, sink):
                yield f"{without}, and now only {later[-1].intent} did, which was in one batch with it: {_UNSURE}"
            elif others := moved(index, trace, sink):
                failed_over.setdefault((others[0], sink), []).append(trace.intent)
            elif index.sinks.depends_on_order(trace, sink, index.orders):
                yield f"{without}, where the changes of {trace.item} came in another order: {_UNSURE}"
    for (other, sink), intents in failed_over.items():
        yield f"{_few(intents)} landed at {other} in place of {sink}, which had refused the call: {_UNSURE}"
    told = {(other, intent) for (other, _), intents in failed_over.items() for intent in intents}
    for sink, intents in index.sinks.beside(index.intents).items():
        if rest := [intent for intent in intents if (sink, intent) not in told]:
            yield f"{_few(rest)} landed at {sink}, and not without the faults: {_UNSURE}"


def _forgotten(index: HistoryIndex) -> Iterator[str]:
    """What has no effect at any sink and had none without the faults: they are not to blame, and it may be meant."""
    nowhere = [trace.intent for trace in index.intents if trace.took_place and not trace.effects]
    left_out = [intent for intent in nowhere if index.sinks.left_out(intent)]
    if left_out and index.sinks.owing() and not index.leaves_out:
        count = f"{len(left_out)} of {len(index.intents)} intents ({_few(left_out)})"
        advice = "if the function leaves changes out on purpose, say so: pipeline.leaves_out: true"
        yield f"{count} have no effect at any sink, and had none without the faults: {advice}"


def _other_numbers(index: HistoryIndex) -> Iterator[str]:
    """A view may add up what it was handed twice, and name the right intent."""
    for view in index.views if index.sinks.reference else ():
        first: dict[str, tuple[str, float, float]] = {}
        for item, path, number, there in index.sinks.other_numbers(view, index.views.get(view, {}), index.source):
            first.setdefault(path, (item, number, there))
        first.pop(index.sinks.described.get(view, {}).get("count", ""), None)
        for path, (item, number, there) in first.items():
            yield (
                f"`{path}` of {item} in {view} is {number}, and {there} without the faults: whether that is meant "
                f"cannot be judged. `count: {path}` of the sink says that it counts changes"
            )


def _few(intents: Sequence[str]) -> str:
    more = f" and {len(intents) - MAX_NAMED} more" if len(intents) > MAX_NAMED else ""
    return f"{', '.join(intents[:MAX_NAMED])}{more}"


def _vacuous(index: HistoryIndex) -> Iterator[str]:
    if not index.intents:
        yield "no writer wrote anything: nothing was measured"
    elif not any(trace.status == ACKNOWLEDGED for trace in index.intents):
        yield f"no write was acknowledged: nothing was measured. {_unacknowledged(index)}"
    behind = index.behind_others
    for sink in behind:
        others = ", ".join(index.standing_still)
        yield f"nothing of the measured function goes to {sink}: it is behind {others}, which stands still"
    landed = behind or index.nameless_effects or any(trace.times_applied for trace in index.traces.values())
    if not landed and not index.only_a_view and not index.sinks.owing():
        yield "no effect landed at any sink: nothing was measured"
    yield from index.sinks.why_unreadable()
    yield from index.sinks.why_unreadable_in_part()
    yield from _forgotten(index)
    yield from _incomparable(index)
    yield from _other_numbers(index)
    reference = index.sinks.compared_with
    if reference and reference["verdict"] != VALID:
        yield f"without its faults it is {reference['verdict']} already ({reference['why']})"
    yield from _cut_short(index)
    for position, fault in enumerate(index.faults):
        if not fault.fired:
            points = "point" if fault.armed == 1 else "points"
            kept = fault.kept
            by = f"; faults[{kept.value['ended_by']}] had ended the call at {kept.value['point']}" if kept else ""
            yield f"faults[{position}]: {fault.fault} never fired; {fault.armed} {points} matched its aim{by}"
