"""A history, indexed by intent in one linear pass, so that checkers look up instead of searching. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache

from harness.checkers.sinks import SOURCE, Sinks
from harness.checkers.trace import FaultState, HandOvers, IntentTrace, Span, by_old_images, by_order, has_old_images
from harness.history import FAIL, INVOKE, NOTHING, OK, REMOVE, Operation, Value

DELETIONS = ("dynamodb.DeleteItem", "s3.DeleteObject")
HARMLESS = "noop"  # the fault that fires and explains nothing
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # what a history raises that cannot be indexed
# The values by which the operations that one process has open at a time differ.
_IDENTITY = ("call", "attempt", "delivery", "request_id", "intent", "copy")


class HistoryIndex:
    """What a history says: of each intent, and of the run as a whole.

    Raises ValueError, KeyError or TypeError for a history that does not follow the table of harness.history.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.traces: dict[str, IntentTrace] = {}  # by intent, in the order of their first operations
        self.phases: list[Operation] = []
        self.records: list[Operation] = []
        self.records_of: dict[str | None, list[Operation]] = {}  # by item
        self.deliveries = HandOvers()
        self.executions: list[Span] = []
        self.fired: list[Operation] = []
        self._kept: dict[int, Operation] = {}  # by fault: the first time that another one kept it from firing
        self.nameless_effects: list[Operation] = []  # effects that carry no intent
        self.disruptions: list[Span] = []
        self.gone: list[Operation] = []  # resources that the platform has lost
        self.lost_platform: Operation | None = None
        self.source: dict[str, Operation] = {}  # the last state of each item
        self.views: dict[str, dict[str, Operation]] = {}  # by the view, and the item
        self.sinks = Sinks()
        self._open: dict[tuple[str, str], list[Span]] = {}
        self._execution: dict[str, Span] = {}
        self._batches: list[Operation] = []  # discard and filter
        self._dead_letters: list[Operation] = []
        self._intent_at: dict[str, dict[int, str]] = {}  # by the shard, and the sequence number
        self._calls_in = self.sinks.calls  # by the id of the execution
        self.mapping: Value = {}  # the settings that explain what it did
        self.names: dict[str, str] = {}  # of the resources: logical ids by their names
        self.standing_still: list[str] = []  # functions that are not measured
        self.leaves_out = False  # whether the user says that the function leaves changes out on purpose
        self.shared = False  # whether several writers change one item, and only the stream knows in which order
        self._deletes = False  # whether the function deletes anything from a sink
        try:
            for operation in operations:
                _reader(operation.process)(self, operation)
        except UNREADABLE as error:
            where = f"line {operation.index + 1}, {operation.f} of {operation.process}"
            raise ValueError(f"{where}: {type(error).__name__}: {error}") from error
        self._assign_faults()
        self._assign_records()
        self._assign_executions()
        self._assign_batches()
        self._assign_dead_letters()

    @cached_property
    def intents(self) -> list[IntentTrace]:
        """The intents that a writer invoked."""
        return [trace for trace in self.traces.values() if trace.writes]

    @property
    def deliveries_unseen(self) -> bool:
        """Whether the mapping does not report its deliveries, as the platform's own: executions stand for them."""
        return bool(self.executions) and not self.deliveries

    @property
    def drained(self) -> Operation | None:
        """The operation that says how drain ended."""
        return next((phase for phase in self.phases if "quiet" in phase.value), None)

    @property
    def read_back(self) -> bool:
        return any(phase.value.get("complete") for phase in self.phases)

    @property
    def settled(self) -> bool:
        """Whether what is missing is missing for good: the pipeline became quiet, and then everything was read back."""
        return self.read_back and self.drained is not None and bool(self.drained.value["quiet"])

    @cached_property
    def leaves_nothing(self) -> bool:
        """Whether every intent deletes its item again, so that in the end there is none to read."""
        return bool(self.intents) and all(trace.leaves == NOTHING for trace in self.intents)

    @cached_property
    def only_a_view(self) -> bool:
        """Whether the only sink keeps the latest state alone, so that an intent which was replaced leaves no effect.

        Where every item is gone, the function's deletions are the only trace of a view.
        """
        used = bool(self.views) or (self.leaves_nothing and self._deletes)
        landed = self.nameless_effects or any(trace.effects for trace in self.traces.values())
        return used and not landed and not self.sinks.owing()

    @cached_property
    def handed_over_in(self) -> dict[Span, list[IntentTrace]]:
        """The intents that a writer invoked, by each execution that got them."""
        handed_over: dict[Span, list[IntentTrace]] = {}
        for trace in self.intents:
            for execution in trace.executions:
                handed_over.setdefault(execution, []).append(trace)
        return handed_over

    @cached_property
    def faults(self) -> list[FaultState]:
        """The faults of the scenario, in its order. The value of phase `heal` says how many points matched."""
        names: list[str] = next((phase.value["faults"] for phase in self.phases if "faults" in phase.value), [])
        matched: list[int] = next((phase.value["matched"] for phase in self.phases if "matched" in phase.value), [])
        fired = [operation.value["fault"] for operation in self.fired]
        return [
            FaultState(name, matched[index] if index < len(matched) else 0, fired.count(index), self._kept.get(index))
            for index, name in enumerate(names)
        ]

    @cached_property
    def behind_others(self) -> list[str]:
        """The empty sinks that no call of the function went to, where other functions stand still."""
        if not self.standing_still:
            return []
        reached = {sink for calls in self._calls_in.values() for call in calls for sink in self.sinks.of_call(call)}
        return [sink for sink in self.sinks.names if sink not in reached and not self.sinks.holds(sink)]

    @cached_property
    def orders(self) -> dict[str, list[str | None]]:
        """Of each item, where writers share them, the intents of its records in the order of the stream.

        None stands for a removal.
        """
        orders: dict[str, list[str | None]] = {}
        for item, records in self.records_of.items() if self.shared else ():
            if item is None:
                continue
            named = zip(records, self._intents_of(item, records), strict=True)
            orders[item] = [None if record.value["event_name"] == REMOVE else intent for record, intent in named]
        return orders

    def written_back(self, trace: IntentTrace) -> list[Span]:
        """The function's own writes of the intent's item in the source, which the stream gets like any other."""
        return self._written_back.get(trace.item, [])

    @cached_property
    def _written_back(self) -> dict[str, list[Span]]:
        """By the item, the function's writes to the source that ended ok."""
        source = next((each["name"] for each in self.sinks.described.values() if each["role"] == SOURCE), None)
        written: dict[str, list[Span]] = {}
        for call in (call for calls in self._calls_in.values() for call in calls if call.outcome == OK):
            if not call.reads and source in call.value["table"].split(","):
                for item in dict.fromkeys(call.value["items"]):
                    written.setdefault(item, []).append(call)
        return written

    def calls_in(self, execution: Span) -> list[Span]:
        """Every call that the function made in this execution, in order."""
        return self._calls_in.get(id(execution), [])

    def disrupted(self, *words: str) -> Span | None:
        """The first disruption with one of these words that took place."""
        begun = (span for span in self.disruptions if span.outcome != FAIL)
        return next((span for span in begun if span.opened.f in words), None)

    @cached_property
    def rolled_back(self) -> list[Operation]:
        return [fault for fault in self.fired if fault.f == "roll_back"]

    def _trace(self, intent: str, item: str = "") -> IntentTrace:
        trace = self.traces.get(intent)
        if trace is None:
            trace = self.traces[intent] = IntentTrace(intent, item)
        elif not trace.item:
            trace.item = item
        return trace

    def _traces(self, intents: Iterable[str | None]) -> list[IntentTrace]:
        return [self._trace(intent) for intent in dict.fromkeys(intents) if intent]

    def _span(self, operation: Operation) -> Span | None:
        """A new span, if the operation opens one. Otherwise it closes the newest span that it fits."""
        key = (operation.process, operation.f)
        if operation.type == INVOKE:
            span = Span(operation)
            self._open.setdefault(key, []).append(span)
            return span
        spans = self._open.get(key, [])
        for place in range(len(spans) - 1, -1, -1):
            if spans[place].value is operation.value or _fits(spans[place].value, operation.value):
                spans.pop(place).closed = operation
                if not spans:
                    del self._open[key]  # executions are many
                return None
        raise ValueError(f"#{operation.index} closes {operation.f} of {operation.process}, which is not open")

    def _read_harness(self, operation: Operation) -> None:
        if operation.f == "reference":
            self.sinks.read_reference(operation.value)
        elif operation.f == "phase":
            self.phases.append(operation)
            self.sinks.described.update(operation.value.get("sinks", {}))
            self.mapping.update(operation.value.get("mapping", {}))
            self.names.update(operation.value.get("names", {}))
            self.standing_still += operation.value.get("standing_still", ())
            self.leaves_out |= operation.value.get("leaves_out", False)
            self.shared |= operation.value.get("share", False)

    def _read_writer(self, operation: Operation) -> None:
        span = self._span(operation)
        if span is None:
            return
        if "." in operation.f:  # a call
            for trace in self._traces(operation.value["intents"]):
                trace.calls.append(span)
        elif operation.value.get("intent"):  # a read carries none
            self._trace(operation.value["intent"], operation.value["item"]).writes.append(span)
            self.sinks.written.add(operation.value["intent"])
            self.sinks.items.add(operation.value["item"])

    def _read_function(self, operation: Operation) -> None:
        span = self._span(operation)
        if span is None:
            return
        is_call = "." in operation.f
        if not is_call:
            self._execution[operation.process] = span
            self.executions.append(span)
        else:
            span.within = self._execution.get(operation.process)
            self._calls_in.setdefault(id(span.within), []).append(span)
            self._deletes |= operation.f in DELETIONS and operation.value["effect"]
        for trace in self._traces(operation.value["intents"]):
            (trace.function_calls if is_call else trace.executions).append(span)

    def _read_dispatcher(self, operation: Operation) -> None:
        if operation.f in ("discard", "filter"):
            self._batches.append(operation)
        elif operation.f == "deliver" and (span := self._span(operation)):
            self.deliveries.append(span)

    def _read_platform(self, operation: Operation) -> None:
        if operation.f == "lost":
            self.lost_platform = operation
            return
        span = self._span(operation)
        if span:
            self.disruptions.append(span)
        elif execution := self._execution.get(operation.value.get("process", "")):
            execution.faults += (operation,)

    def _read_nemesis(self, operation: Operation) -> None:
        if operation.type == FAIL:
            self._kept.setdefault(operation.value["fault"], operation)
            return
        self.fired.append(operation)
        execution = self._execution.get(operation.value.get("process", ""))
        if execution and not execution.closed and operation.f != HARMLESS:
            execution.faults += (operation,)

    def _read_observer(self, operation: Operation) -> None:
        value = operation.value
        if operation.f == "state":
            view = self.views.setdefault(value.get("resource", ""), {}) if value["role"] == "view" else self.source
            view[value["item"]] = operation
            self.sinks.note(operation)
        elif operation.f == "gone":
            self.gone.append(operation)
        elif operation.f == "dead_letter":
            self._dead_letters.append(operation)
        elif operation.f == "record":
            self.records.append(operation)
            self.records_of.setdefault(value["item"], []).append(operation)
        elif operation.f == "effect":
            self.sinks.note(operation)
            named = self._trace(value["intent"], value["item"]).effects if value["intent"] else self.nameless_effects
            named.append(operation)

    def _assign_faults(self) -> None:
        """A fault says which intents it concerns."""
        for fault in self.fired:
            for trace in self._traces(intent for intent in fault.value.get("intents", ()) if intent in self.traces):
                trace.fired.append(fault)

    def _assign_records(self) -> None:
        """A record names its intent by the new image. Where the stream has none, other facts say it."""
        for item, records in self.records_of.items():
            for record, intent in zip(records, self._intents_of(item, records), strict=True):
                if intent is None:
                    continue
                by_number = self._intent_at.setdefault(record.value["shard"], {})
                by_number[int(record.value["sequence_number"])] = intent
                trace = self._trace(intent, item or "")
                if record.value["event_name"] == REMOVE:
                    trace.removals += (record,)
                else:
                    trace.records.append(record)

    def _intents_of(self, item: str | None, records: list[Operation]) -> list[str | None]:
        changes = [record for record in records if record.value["event_name"] != REMOVE]
        if all(record.value["intent"] for record in changes):
            return [record.value["intent"] for record in records]
        if has_old_images(records):
            final = self.source.get(item or "")
            return by_old_images(records, final.value["intent"] if final else None)
        ordered = zip(changes, by_order(self._writes_of.get(item or "", ()), len(changes)), strict=True)
        intents = {record.index: record.value["intent"] or intent for record, intent in ordered}
        return [intents.get(record.index, record.value["intent"]) for record in records]

    @cached_property
    def _writes_of(self) -> dict[str, list[tuple[str, Span]]]:
        """By the item, its writes that took place, or may have, each with its intent, in order."""
        writes: dict[str, list[tuple[str, Span]]] = {}
        for trace in self.intents:
            writes.setdefault(trace.item, []).extend((trace.intent, call) for call in trace.landed_calls)
        return {item: sorted(each, key=lambda write: write[1].opened.index) for item, each in writes.items()}

    def _assign_executions(self) -> None:
        """Two sources say which intents are in a batch: the mapping, and the stream by the sequence numbers."""
        for execution in self.executions:  # it knows its sequence numbers without their shard
            numbers = [int(number) for number in execution.value.get("sequence_numbers", ())]
            own = frozenset(execution.value["intents"])
            for trace in self._traces(shard.get(number) for number in numbers for shard in self._intent_at.values()):
                if trace.intent not in own:
                    trace.executions.append(execution)

    def _assign_batches(self) -> None:
        """As for executions. A delivery also says its shard: sequence numbers are those of one shard."""

        def traces(value: Value) -> list[IntentTrace]:
            in_shard = self._intent_at.get(value["shard"], {})
            return self._traces([*value["intents"], *(in_shard.get(int(each)) for each in value["sequence_numbers"])])

        for span in self.deliveries:
            for trace in traces(span.value):
                trace.deliveries.append(span)
        for batch in self._batches:
            for trace in traces(batch.value):
                if batch.f == "filter":
                    trace.filters += (batch,)
                else:
                    trace.discards += (batch,)

    def _assign_dead_letters(self) -> None:
        """A dead letter names only the first and the last record of its batch (S-82); a discard names all of them."""
        batches: dict[tuple[str, int, int], list[int]] = {}
        for batch in self._batches:
            numbers = sorted(int(number) for number in batch.value["sequence_numbers"])
            if batch.f == "discard":
                batches[batch.value["shard"], numbers[0], numbers[-1]] = numbers
        numbers_of = {shard: sorted(in_shard) for shard, in_shard in self._intent_at.items() if self._dead_letters}
        for letter in self._dead_letters:
            shard, start, end = letter.value["shard"], int(letter.value["start"]), int(letter.value["end"])
            numbers, in_shard = numbers_of.get(shard, []), self._intent_at.get(shard, {})
            inside = numbers[bisect_left(numbers, start) : bisect_right(numbers, end)]
            for trace in self._traces(map(in_shard.get, batches.get((shard, start, end), inside))):
                if not trace.filters:
                    trace.dead_letters += (letter,)


def _fits(opened: Value, closing: Value) -> bool:
    """Whether the two values are of one operation."""
    return all(key not in closing or opened.get(key) == closing[key] for key in _IDENTITY)


@lru_cache(maxsize=1024)
def _reader(process: str) -> Callable[[HistoryIndex, Operation], None]:
    return _READ[process.partition("/")[0]]


_READ = {
    "harness": HistoryIndex._read_harness,
    "writer": HistoryIndex._read_writer,
    "function": HistoryIndex._read_function,
    "dispatcher": HistoryIndex._read_dispatcher,
    "nemesis": HistoryIndex._read_nemesis,
    "observer": HistoryIndex._read_observer,
    "platform": HistoryIndex._read_platform,
}
