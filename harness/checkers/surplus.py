"""Effects too many: of an intent that was applied more often than once, or that no writer has."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.base import Cause, Checker, by, by_cause, ends, how_it_ended, times, trail
from harness.checkers.index import HistoryIndex
from harness.checkers.trace import FAILED, NEVER_INVOKED, IntentTrace, Span, between, sdk_calls
from harness.history import MICROSECONDS, OK, Operation
from harness.verdict import Anomaly, Finding

MAX_IDENTIFIER = 60  # characters
LEAST_SECONDS_TO_LIVE = 60  # of a marker that is worth one
KINESIS_RECORD = "aws:kinesis:record"  # the event name of each record of a Kinesis stream


class Duplicated(Checker):
    """One intent has more than one effect at a sink.

    The writer is to blame for several records of one intent, the stream for one record twice, the function for the
    rest. The mapping is not to blame for a redelivery: delivery is at least once (S-60).
    """

    def check(self, index: HistoryIndex) -> Finding:
        return self.finding(self._anomalies(index))

    def _anomalies(self, index: HistoryIndex) -> Iterator[Anomaly]:
        for trace in index.traces.values():
            again = {sink: count for sink, count in trace.times_at.items() if count > 1}
            for sinks, cause in by_cause((sink, applied_again(index, index.sinks.of(trace, sink))) for sink in again):
                counts = dict.fromkeys(again[sink] for sink in sinks)
                applied = " and ".join(
                    f"{times(count)}{_at(index, [sink for sink in sinks if again[sink] == count])}" for count in counts
                )
                summary = f"intent {trace.intent} was written {times(len(trace.writes))}, applied {applied}"
                yield self.anomaly(trace.intent, summary, cause, trail(trace))


def _at(index: HistoryIndex, sinks: list[str]) -> str:
    return f" at {' and '.join(sinks)}" if index.sinks.several else ""


def applied_again(index: HistoryIndex, trace: IntentTrace) -> Cause:
    """Why an intent has more than one effect. trace: as if there were no other sink."""
    records = trace.distinct_records
    if _applied_from_several(trace, records):
        return _written_again(index, trace, records)
    if len(trace.records) > len(records):
        why = f"the stream carries one event id {times(len(trace.records))}, although a change is in the stream once"
        return Cause("stream", f"{why} (S-30, S-43)")
    makers = _makers(trace)
    removed = next((record for record in trace.removals for maker in makers[1:] if maker.carries(record)), None)
    if removed and not makers[0].carries(removed):
        maker = next(maker for maker in makers[1:] if maker.carries(removed))
        got = f"{maker.process} got the record of the item's removal (REMOVE, #{removed.index})"
        return Cause("function", f"{got}, and applied it like a change", (removed,))
    return _executed_again(index, trace, makers) if len(makers) > 1 else _called_again(index, trace)


def _making(trace: IntentTrace) -> list[Span]:
    """The calls that made the effects: those that surely did if they are enough, else also those that may have."""
    sure = [call for call in trace.effect_calls if call.outcome == OK]
    landed = trace.times_applied or len(trace.effect_calls)  # a view has no effects
    return sure if len(sure) >= landed else trace.effect_calls


def _makers(trace: IntentTrace) -> list[Span]:
    """The executions that called a sink for this intent; all of them, where no such call was seen."""
    acting = {id(call.within) for call in _making(trace)}
    return [execution for execution in trace.executions if not acting or id(execution) in acting]


def _applied_from_several(trace: IntentTrace, records: list[Operation]) -> bool:
    """Whether the effects come from different records: one execution acted on two, or two on different ones.

    One call may act on two as well, as batch calls do.
    """
    handled: set[str] = set()
    for maker in _makers(trace):
        carried = {record.value["event_id"] for record in records if maker.carries(record)}
        calls = sdk_calls(call for call in _making(trace) if call.within is maker)
        if carried and handled and not carried & handled:
            return True
        if len(carried) > 1 and (len(calls) > 1 or len(_making(trace)) == 1):
            return True
        handled |= carried
    return False


def _written_again(index: HistoryIndex, trace: IntentTrace, records: list[Operation]) -> Cause:
    landed = trace.landed_calls
    own = index.written_back(trace)
    if own and len(landed) < len(records):
        call = own[0]
        back = f"{call.process} wrote the item back to the source ({call.opened.f}, #{call.opened.index})"
        return Cause("function", f"{back}, and applied the record of that like a change", (call,))
    if landed and len(landed) < len(records):
        why = f"the stream made {len(records)} records of {len(landed)} write, although a change is in the stream once"
        return Cause("stream", f"{why} (S-30)")
    fault = next((fault for fault in trace.fired if fault.value["point"].startswith("writer")), None)
    repeated = [attempts for attempts in sdk_calls(landed) if len(attempts) > 1]
    if repeated:
        again = repeated[0][-1]
        how = f"the SDK sent {again.opened.f} again, attempt {again.value['attempt']}{by(fault)}"
    elif len(trace.writes) > 1:
        how = f"the operation was made {times(len(trace.writes))}{by(fault)}"
    else:
        how = (
            f"{landed[0].process} called {landed[0].opened.f} {times(len(landed))}{by(fault)}"
            if landed
            else "it was written again"
        )
    if records[0].value["event_name"] == KINESIS_RECORD:
        each = f"a Kinesis stream takes each call for a record of its own: it got {len(records)} (S-55)"
        return Cause("writer", f"{how}, and {each}")
    others = between(index.records_of[trace.item], records[0], records[-1])
    overwritten = [record for record in others if record.value["intent"] != trace.intent]
    if overwritten:
        why = f"{how}, after another write of the item, which it overwrote (S-14)"
        return Cause("writer", why, tuple(ends(overwritten)))
    return Cause("writer", f"{how}, and changed the item, so that the stream got {len(records)} records (S-31)")


def _executed_again(index: HistoryIndex, trace: IntentTrace, makers: list[Span]) -> Cause:
    first, second = makers[0], makers[1]
    again = f"and {second.process} applied it again"
    if first.closed is None and index.deliveries_unseen:
        why = f"{first.process} has not told its end, being still at work or killed, {again}"
        return Cause("function", why)
    if not first.ended_before(second):
        fault = next((fault for fault in trace.fired if fault.f == "redeliver"), None)
        return Cause("function", f"{second.process} got the record while {first.process} still ran{by(fault)}")
    if first.outcome != OK:
        why = f"{how_it_ended(first)} after its effect and before its acknowledgement, {again}"
        return Cause("function", why)
    redelivered = [fault for fault in trace.fired if fault.f == "redeliver"]
    moved = [
        *between(index.rolled_back, first.opened, second.opened),
        *between(redelivered, first.opened, second.opened),
    ]
    moved.sort(key=lambda fault: fault.index)
    batch = [delivery for delivery in trace.deliveries if delivery.opened.index < first.opened.index]
    if batch and batch[-1].outcome != OK and not moved:
        reported = next((fault for fault in first.faults if fault.f == "partial_failure"), None)
        why = f"{first.process} applied it, and {_not_acknowledged(first, batch[-1])}{by(reported)}"
        return Cause("function", f"{why}, {again}", (batch[-1],))
    # The mapping delivers before the platform has said that it is enabled again, or made.
    begun = [span for span in index.disruptions if span.opened.index < second.opened.index]
    meanwhile = [span for span in begun if first.opened.index < span.last.index]
    if disabled := next((span for span in meanwhile if span.opened.f == "disable_mapping"), None):
        anew = "enabled again, the mapping began anew; on AWS it goes on where it stopped (S-88, G-13)"
        why = f"{first.process} applied and acknowledged it; {anew}{by(disabled.opened)}, {again}"
        return Cause("platform", why, (disabled,))
    moved += [span.opened for span in meanwhile if span.opened.f == "recreate_mapping"]
    why = (
        f"{first.process} applied and acknowledged it, its record was delivered again{by(moved[-1] if moved else None)}"
    )
    marked = _marked_again(index, trace, first, second)
    return Cause("function", f"{why}, as at-least-once delivery may (S-60), {again}{marked}", tuple(moved[-1:]))


def _marked_again(index: HistoryIndex, trace: IntentTrace, first: Span, second: Span) -> str:
    """The table beside the sinks that both wrote for the intent, where the second did so long after the first."""
    seconds = (second.opened.time - first.last.time) / MICROSECONDS
    if seconds < LEAST_SECONDS_TO_LIVE:
        return ""
    sinks = {sink["name"] for sink in index.sinks.described.values()}

    def marked(execution: Span) -> dict[str, Span]:
        calls = (each for each in trace.function_calls if each.within is execution and each.outcome == OK)
        written = ((table, call) for call in calls if not call.reads for table in call.value["table"].split(","))
        return {table: call for table, call in written if table not in sinks}

    before, after = marked(first), marked(second)
    table = next((each for each in before if each in after), None)
    if table is None:
        return ""
    marker = f"its marker in {index.names.get(table, table)} (#{before[table].opened.index})"
    return f", {seconds:,.0f} s later: it wrote {marker} anew, which had expired or is not looked at (P-08)"


def _not_acknowledged(execution: Span, batch: Span) -> str:
    """Why the batch of an execution that ended ok came again, by what its answer named in batchItemFailures."""
    outcome = batch.closed.value.get("outcome") if batch.closed else "it never ended"
    named = execution.closed.value.get("reported", ()) if execution.closed else ()
    strange = [name for name in named if name not in execution.value["sequence_numbers"]]
    if outcome == "reported" and strange:
        if strange[0] is None:
            return "an entry of its batchItemFailures had no itemIdentifier: the whole batch failed (S-73)"
        shown = str(strange[0])[:MAX_IDENTIFIER]
        return f"its batchItemFailures named {shown}, which is no record of the batch: the whole batch failed (S-74)"
    if named and outcome in ("reported", "partly_succeeded"):
        return "its batchItemFailures named it or a record before it: all from there on came again (S-75)"
    return f"its batch was not acknowledged ({outcome})"


def _shared_row(index: HistoryIndex, trace: IntentTrace) -> Cause | None:
    """A row that counts other changes of the item as well, which landed at the sink and have no row there."""
    row = next((effect for effect in trace.effects if effect.value["count"] > 1), None)
    if row is None:
        return None
    sink, item = row.value["sink"], [each for each in index.intents if each.item == trace.item]
    gone = [each for each in item if not each.times_at.get(sink) and index.sinks.of(each, sink).effect_calls]
    if not gone:
        return None
    counted = f"its row in {sink} stands for {row.value['count']} effects (#{row.index})"
    why = f"{counted}, and {gone[0].intent} landed there too and has no row of its own"
    return Cause("function", why, (row, gone[0].effect_calls[0]))


def _called_again(index: HistoryIndex, trace: IntentTrace) -> Cause:
    calls = sdk_calls(_making(trace))
    repeated = [attempts for attempts in calls if len(attempts) > 1]
    if repeated:
        again = repeated[0][-1]
        fault = next(iter(between(trace.fired, repeated[0][-2].opened, again.opened)), None)
        why = f"the SDK repeated {again.opened.f} of {again.process}, attempt {again.value['attempt']}{by(fault)}"
        return Cause("function", f"{why}, and each attempt applies the change again (S-13)")
    if len(calls) > 1:
        return Cause("function", f"{calls[0][0].process} made its effect call {times(len(calls))} in one execution")
    shared = _shared_row(index, trace)
    if shared:
        return shared
    once = "the history has one execution and one call"
    if index.deliveries_unseen or len(trace.deliveries) > len(trace.executions):
        unseen = "or an execution was killed before it had told what it did"
        return Cause("function", f"{once}: either that call applied it more than once, {unseen}")
    return Cause("function", f"{once}: that call applied it more than once")


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
