"""Effects that are missing: lost without a word, or dead-lettered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from harness.checkers.base import Cause, Checker, by, by_cause, how_it_ended, times, trail
from harness.checkers.index import HistoryIndex
from harness.checkers.trace import ACKNOWLEDGED, IntentTrace, Span
from harness.history import FAIL, INFO, OK
from harness.verdict import Anomaly, Finding

ANY = ""  # in place of a sink: all of them
TOO_OLD = "RecordAgeExceeded"


class Lost(Checker):
    """A write was acknowledged or is in the stream, a sink lacks its effect, and it was not dead-lettered.

    A sink is owed what it has in the reference, the run without faults; where there is none, an intent is lost if no
    sink has it. Blame follows from where the intent's trail ends: in the stream, in the mapping or in the function.
    Where a view is the only sink, an intent may rightly leave nothing: wrong_final_state judges that.
    """

    def check(self, index: HistoryIndex) -> Finding:
        if not index.settled:
            return self.unsettled()
        return self.finding(() if index.only_a_view else self._anomalies(index))

    def _anomalies(self, index: HistoryIndex) -> Iterator[Anomaly]:
        for trace in index.intents:
            if trace.dead_letters or not trace.took_place or not (sinks := lacking(index, trace)):
                continue
            causes = ((sink, _cause(index, trace, sink)) for sink in sinks)
            for alike, cause in by_cause(causes):
                heard = "was acknowledged" if trace.status == ACKNOWLEDGED else "is in the stream"
                summary = f"intent {trace.intent} {heard} and never applied{_at(alike)}"
                yield self.anomaly(trace.intent, summary, cause, trail(trace))


class DeadLettered(Checker):
    """The mapping gave up on an intent and reported it to its on-failure destination, and a sink lacks the effect.

    Such an intent is not lost without a word, but it is not applied either (S-82).
    """

    def check(self, index: HistoryIndex) -> Finding:
        return self.finding(self._anomalies(index)) if index.settled else self.unsettled()

    def _anomalies(self, index: HistoryIndex) -> Iterator[Anomaly]:
        for trace in index.traces.values():
            if trace.dead_letters and not _applied(index, trace):
                summary = f"intent {trace.intent} was dead-lettered and never applied{_at(lacking(index, trace))}"
                yield self.anomaly(trace.intent, summary, _gave_up(trace), trail(trace))


def _at(sinks: Sequence[str]) -> str:
    """A sink that lacks what it is owed is always named; where no sink has the effect there is none to name."""
    return f" at {' and '.join(sinks)}" if any(sinks) else ""


def lacking(index: HistoryIndex, trace: IntentTrace) -> list[str]:
    """The sinks that are owed an effect of this intent and have none: ANY where no sink has one.

    What may have landed where no effect names its intent is not lacking, nor is what may rightly be elsewhere.
    """
    applied = trace.times_at
    owed = [sink for sink in index.sinks.owing(trace.intent) if not applied.get(sink)]
    surely = [
        sink
        for sink in owed
        if not superseded(index, trace, sink)
        and not moved(index, trace, sink)
        and not index.sinks.depends_on_order(trace, sink, index.orders)
    ]
    if owed or any(applied.values()) or index.only_a_view or _may_be_unseen(index, trace) or left_out(index, trace):
        return surely
    return [ANY]


def superseded(index: HistoryIndex, trace: IntentTrace, sink: str) -> list[IntentTrace]:
    """The later changes of its item that were handed over with this one, where only they landed at the sink.

    A handler may keep the last change of each batch, and which changes are together is by chance. The reference
    shows whether it leaves changes out at that sink.
    """
    if sink in index.sinks.taking_all or not trace.executions:
        return []
    last = trace.executions[-1]
    if last.outcome != OK or any(call.within is last and call.outcome == FAIL for call in trace.function_calls):
        return []
    together = [each for each in index.handed_over_in[last] if each.item == trace.item]
    if all(each.records for each in together):
        together.sort(key=lambda each: each.records[-1].index)
    return [each for each in together[together.index(trace) + 1 :] if each.times_at.get(sink)]


def moved(index: HistoryIndex, trace: IntentTrace, sink: str) -> list[str]:
    """Where the intent landed once in place of this sink, which had refused it: a handler may fail over.

    It is so where one execution, which ended ok, was refused here and then succeeded there.
    """
    if trace.times_at.get(sink) or not trace.executions or trace.executions[-1].outcome != OK:
        return []
    calls = [call for call in trace.function_calls if call.within is trace.executions[-1]]
    refused = [
        place
        for place, call in enumerate(calls)
        if sink in index.sinks.of_call(call) and (call.outcome == FAIL or call.left(trace.intent))
    ]
    after = calls[refused[0] + 1 :] if refused else []
    landed = {other for call in after if call.outcome == OK for other in index.sinks.of_call(call)}
    return [other for other in index.sinks.beside([trace]) if other in landed and trace.times_at[other] == 1]


def left_out(index: HistoryIndex, trace: IntentTrace) -> bool:
    """Whether the user says that changes are left out on purpose, and this is one of them, by the reference."""
    if not index.leaves_out or trace.effects:
        return False
    return acknowledged_without_effect(trace) if index.sinks.reference is None else index.sinks.left_out(trace.intent)


def acknowledged_without_effect(trace: IntentTrace) -> bool:
    """Whether the function got the change, was content, and made nothing of it."""
    handled = bool(trace.executions) and trace.executions[-1].outcome == OK
    return handled and not (trace.effects or trace.effect_calls or trace.discards or trace.dead_letters)


def _may_be_unseen(index: HistoryIndex, trace: IntentTrace) -> bool:
    """Whether an effect of it may have landed where none names its intent, or behind another function.

    It has not, where each call is known that was made for it, and none that can have carried it may have succeeded.
    """
    if index.standing_still and len(index.behind_others) == len(index.sinks.names):
        return True
    if not index.sinks.unreadable:
        return False
    if any(execution.outcome == INFO for execution in trace.executions) or (trace.deliveries and not trace.executions):
        return True
    made = [call for execution in trace.executions for call in index.calls_in(execution) if call.outcome != FAIL]
    return any(not call.reads and trace.intent in (call.value["intents"] or [trace.intent]) for call in made)


def _applied(index: HistoryIndex, trace: IntentTrace) -> bool:
    """Whether each sink has what it is owed; at a view, whether a call of the function for it succeeded."""
    if index.only_a_view:
        return any(call.outcome == OK for call in trace.effect_calls)
    return not lacking(index, trace)


def _cause(index: HistoryIndex, trace: IntentTrace, sink: str) -> Cause:
    if sink == ANY and index.sinks.left_out(trace.intent) and acknowledged_without_effect(trace):
        last = end_of_trail(index, replace(trace, executions=trace.executions[-1:]))  # whatever broke off before
        return Cause(last.blame, f"{last.why}, and so it is without the faults", last.evidence)
    return end_of_trail(index, index.sinks.of(trace, sink))


def end_of_trail(index: HistoryIndex, trace: IntentTrace) -> Cause:
    """How far an intent without an effect got: into the stream, out of it, into the function."""
    if index.gone:
        return _gone(index)
    if trace.hand_overs:
        return _given_up(index, trace) if trace.discards else _handled_without_effect(index, trace)
    return _never_delivered(index, trace) if trace.records else _never_recorded(trace)


def _gone(index: HistoryIndex) -> Cause:
    """The resource that held the item, or the effect, no longer exists: the pipeline is not to blame."""
    outage = index.disrupted("kill_platform", "restart_platform")
    names = ", ".join(operation.value["resource"] for operation in index.gone)
    lost = f"the platform has lost {names} with everything in it{by(outage.opened if outage else None)}"
    why = f"{lost}: LocalStack without persistence keeps nothing over a restart (G-14)"
    return Cause("platform", why, (*index.gone,))


def refusal(trace: IntentTrace, execution: Span) -> Cause | None:
    """The execution's last call to a sink failed, or left the effect, and it ended ok all the same."""
    tried = [call for call in trace.function_calls if call.within is execution and call.value["effect"]]
    if tried and tried[-1].left(trace.intent):
        why = f"{execution.process} ended ok, although its {tried[-1].opened.f} had left the effect unprocessed (S-23)"
        return Cause("function", why, (tried[-1],))
    if not tried or tried[-1].outcome == OK:
        return None
    error = f" ({tried[-1].error})" if tried[-1].error else ""
    ended = "had failed" if tried[-1].outcome == FAIL else "had ended with an error"
    why = f"{execution.process} ended ok, although its {tried[-1].opened.f} {ended}{error}"
    return Cause("function", why, (tried[-1],))


def _never_recorded(trace: IntentTrace) -> Cause:
    committed = [call for call in trace.landed_calls if call.outcome == OK]
    if committed:
        return Cause("stream", f"its {committed[0].opened.f} ended ok, and the stream has no record of it")
    left = [call for call in trace.calls if call.left(trace.intent)]
    if left:
        why = f"its {left[-1].opened.f} left it unprocessed, and the writer acknowledged it all the same (S-23)"
        return Cause("writer", why, tuple(left[-1:]))
    if trace.calls:
        return Cause("writer", f"none of its {len(trace.calls)} calls ended ok, yet the writer acknowledged it")
    return Cause("writer", "the writer acknowledged it without sending anything")


def _never_delivered(index: HistoryIndex, trace: IntentTrace) -> Cause:
    if trace.filters:
        return Cause("mapping", "its record is in the stream, and matches no filter of the mapping: it is gone (S-84)")
    if trace.discards:
        return _discarded(index, trace)
    never = "its record is in the stream and was never delivered"
    recreated = index.disrupted("recreate_mapping")
    if recreated and recreated.opened.index < trace.writes[-1].last.index:
        why = "a new mapping that begins at LATEST misses what was written before it (S-86, S-87)"
        return Cause("mapping", f"{never}: {why}{by(recreated.opened)}", (recreated,))
    if _before_the_mapping(index, trace):
        why = "it was written before the mapping had begun, which starts at LATEST: TRIM_HORIZON reads what is there"
        return Cause("mapping", f"{why} (S-86, S-87)")
    if throttled := index.disrupted("throttle_function"):
        why = "the platform counted throttles as attempts, which AWS does not (S-68, G-10)"
        return Cause("platform", f"{never}: {why}{by(throttled.opened)}", (throttled,))
    if disabled := index.disrupted("disable_mapping"):
        why = "enabled again, the mapping did not go on where it stopped; on AWS it does (S-88, G-13)"
        return Cause("platform", f"{never}: {why}{by(disabled.opened)}", (disabled,))
    why = "a mapping that starts at LATEST, or starts again, may miss records like this (S-87)"
    return Cause("mapping", f"{never}; {why}")


def _discarded(index: HistoryIndex, trace: IntentTrace) -> Cause:
    """Undelivered: it had to wait for an earlier batch of its shard."""
    discard = trace.discards[0]
    why = f"its record is in the stream, and the mapping discarded it undelivered: {discard.value['reason']}"
    held_up = index.deliveries.held_up(discard)
    disabled = index.disrupted("disable_mapping")
    if not held_up and disabled and not disabled.ended_before(trace.writes[-1]):
        return Cause("mapping", f"{why}, after it had been disabled{by(disabled.opened)}", (disabled,))
    if not held_up:
        return Cause("mapping", why)
    failed, count = held_up
    first = failed.value["intents"][:1] or ["another record"]
    behind = f"; it waited behind the batch of {first[0]}, which failed {times(count)}"
    return Cause("mapping", f"{why}{behind}", (failed,))


def _before_the_mapping(index: HistoryIndex, trace: IntentTrace) -> bool:
    """Whether the mapping begins at LATEST, and has got no record of the shard that is as old as this one."""
    if index.mapping.get("starting_position") != "LATEST":
        return False
    record = trace.records[0]
    number = int(record.value["sequence_number"])
    return index.deliveries.first.get(record.value["shard"], number) >= number


def _given_up(index: HistoryIndex, trace: IntentTrace) -> Cause:
    reason = trace.discards[0].value["reason"]
    letters = "its batch was dead-lettered" if trace.dead_letters else "nothing was dead-lettered"
    after = f"delivered {times(len(trace.hand_overs))}"
    if not trace.executions:
        throttled = index.disrupted("throttle_function")
        never = f"the function never began{by(throttled.opened if throttled else None)}"
        return Cause("mapping", f"{after}, {never}, and the mapping gave up ({reason}); {letters}")
    return Cause("function", f"{after}, at last {_last_failure(trace)}, and the mapping gave up ({reason}); {letters}")


def _last_failure(trace: IntentTrace) -> str:
    """How the last execution that failed ended; where none did, what the answer of the last one reported (S-73, S-75).

    A fault may have made it report what it had handled.
    """
    if failed := [execution for execution in trace.executions if execution.outcome != OK]:
        return how_it_ended(failed[-1])
    last = trace.executions[-1]
    reported = [str(each) for each in last.last.value.get("reported", ())]
    of_the_batch = {str(number) for number in last.value["sequence_numbers"]}
    if any(record.value["sequence_number"] in reported for record in trace.records) or not reported:
        what = "it"
    elif of_the_batch.issuperset(reported):
        what = "an earlier record of its batch"
    else:
        what = f"'{next(each for each in reported if each not in of_the_batch)}', which is not in the batch,"
    return f"{last.process} reported {what} as failed{by(last.faults[-1] if last.faults else None)}"


def _handled_without_effect(index: HistoryIndex, trace: IntentTrace) -> Cause:
    ended = [execution for execution in trace.executions if execution.outcome == OK]
    if not trace.executions:
        return Cause("mapping", "its record was handed over, and no execution began", tuple(trace.deliveries))
    if not ended:
        count = f"executed {times(len(trace.executions))}, at last {how_it_ended(trace.executions[-1])}"
        return Cause("function", f"{count}; it was not delivered again, and nothing was dead-lettered")
    landed = [call for call in trace.effect_calls if call.outcome == OK]
    if landed:
        call = landed[0]
        sinks = ", ".join(index.sinks.of_call(call)) or call.value["table"]
        why = f"{call.opened.f} of {call.process} ended ok, and {sinks}"
        if call.opened.f.startswith("sqs.") and call.value["table"].endswith(".fifo"):
            why += " has no message of it: a FIFO queue drops one whose deduplication ID it got within 5 minutes (P-11)"
            return Cause("function", why, (call,))
        return Cause("function", f"{why} no longer holds the effect")
    if _reported_in_vain(index, trace, ended[-1]):
        why = f"{ended[-1].process} named it in batchItemFailures, which the mapping does not ask for"
        return Cause("function", f"{why}: without ReportBatchItemFailures an answer acknowledges all (S-76)")
    refused = refusal(trace, ended[-1])
    if refused:
        return refused
    return _acknowledged_without_effect(index, trace, ended[-1])


def _reported_in_vain(index: HistoryIndex, trace: IntentTrace, execution: Span) -> bool:
    asked = index.mapping.get("report_batch_item_failures", True)
    reported = execution.closed.value.get("reported", ()) if execution.closed else ()
    numbers = {record.value["sequence_number"] for record in trace.records}
    return not asked and any(str(identifier) in numbers for identifier in reported)


def _acknowledged_without_effect(index: HistoryIndex, trace: IntentTrace, last: Span) -> Cause:
    before = [each for each in trace.executions if each.outcome != OK and each.ended_before(last)]
    broke_off = f"{how_it_ended(before[0])} before its effect, and " if before else ""
    if before and (marker := _marker(index, trace, before[0])):
        acknowledged = f"{last.process} acknowledged the redelivery without one"
        why = f"{broke_off}{acknowledged}, as code does that writes its marker before the effect (P-02)"
        return Cause("function", why, tuple(marker))
    swallowed = [call for call in index.calls_in(last) if call.outcome == FAIL]
    if swallowed:
        call = swallowed[-1]
        error = f" ({call.error})" if call.error else ""
        why = f"{broke_off}{last.process} ended ok without an effect of it, after its {call.opened.f} had failed{error}"
        return Cause("function", why, (call,))
    ended = "acknowledged the redelivery without one" if before else "ended ok and acknowledged it without an effect"
    return Cause("function", f"{broke_off}{last.process} {ended}")


def _marker(index: HistoryIndex, trace: IntentTrace, execution: Span) -> list[Span]:
    """What the execution wrote for the intent beside its effect: by its name, or as the last thing that it wrote.

    A marker that names no intent is of the first intent that has no effect yet.
    """
    written = [call for call in index.calls_in(execution) if call.outcome != FAIL and _writes(call)]
    named = [call for call in written if trace.intent in call.value["intents"] and call not in trace.effect_calls]
    if named:
        return named
    landed = [place for place, call in enumerate(written) if call.value["effect"] and call.outcome == OK]
    trailing = [call for call in written[landed[-1] + 1 if landed else 0 :] if not call.value["intents"]]
    acted = {intent for place in landed for intent in written[place].value["intents"]}
    waiting = [intent for intent in execution.value["intents"] if intent not in acted]
    return trailing if waiting[:1] == [trace.intent] else []


def _writes(call: Span) -> bool:
    return call.opened.f.partition(".")[2].startswith(
        ("Put", "Update", "Delete", "BatchWrite", "Transact", "Send", "Pub")
    )


def _gave_up(trace: IntentTrace) -> Cause:
    condition = trace.dead_letters[0].value["condition"]
    if condition == TOO_OLD and not trace.executions:
        return Cause("mapping", f"{condition}: its record exceeded the maximum age before the function got it (S-69)")
    if not trace.executions:
        return Cause("function", f"{condition}: the function never began")
    return Cause("function", f"{condition}: executed {times(len(trace.executions))}, at last {_last_failure(trace)}")
