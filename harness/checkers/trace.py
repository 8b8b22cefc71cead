"""A trace: all that a history says of one intent, from the writer's operation to the effect.

Where the stream does not carry the new image, `by_old_images` and `by_order` say which intent a record is of: a stream
of old images names it in the next record of the item, and that of the last one in the item's final state; a stream of
keys alone has one record for each write that changed the item, in their order (S-39).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from msgspec import Struct

from harness.history import FAIL, INFO, OK, REMOVE, Operation, Value

_READING = ("Get", "Query", "Scan", "BatchGet", "TransactGet", "Receive", "List", "Head", "Describe", "GET", "HEAD")
ACKNOWLEDGED, FAILED, UNRESOLVED, NEVER_INVOKED = "acknowledged", "failed", "unresolved", "never invoked"


@dataclass(frozen=True, slots=True)
class FaultState:
    """A fault of the scenario. armed: at how many points that it was aimed at it was asked. fired: how often.

    kept: where another fault, which had ended the call, kept it from firing.
    """

    fault: str
    armed: int
    fired: int
    kept: Operation | None = None


class Span(Struct, eq=False, gc=False):
    """An operation from its `invoke` to its close.

    within: the execution in which a call was made. faults: those that fired inside this execution.
    """

    opened: Operation
    closed: Operation | None = None
    within: Span | None = None
    faults: tuple[Operation, ...] = ()
    _numbers: frozenset[int] | None = None

    @property
    def outcome(self) -> str:
        """`ok`, `fail` or `info`. A span that was never closed is `info`: nobody knows how it ended."""
        return self.closed.type if self.closed else INFO

    @property
    def process(self) -> str:
        return self.opened.process

    @property
    def value(self) -> Value:
        return self.opened.value

    @property
    def error(self) -> str | None:
        return self.closed.error if self.closed else None

    @property
    def last(self) -> Operation:
        """The operation that closed it, or else the one that opened it."""
        return self.closed or self.opened

    @property
    def reads(self) -> bool:
        """Whether a call changes nothing, by the name of its operation."""
        return self.opened.f.partition(".")[2].startswith(_READING)

    def left(self, intent: str) -> bool:
        """Whether the call succeeded and left this intent unprocessed, as BatchWriteItem may (S-23)."""
        return self.closed is not None and intent in self.closed.value.get("unprocessed", ())

    def ended_before(self, other: Span) -> bool:
        return self.closed is not None and self.closed.index < other.opened.index

    def carries(self, record: Operation) -> bool:
        """Whether the record is in this batch. Sequence numbers are integers, and are no strings to compare (S-41)."""
        if self._numbers is None:
            self._numbers = frozenset(map(int, self.value["sequence_numbers"]))
        shard = self.value.get("shard", record.value["shard"])
        return shard == record.value["shard"] and int(record.value["sequence_number"]) in self._numbers


class HandOvers(list[Span]):
    """The mapping's deliveries, in order. What it says of all of them is asked for once there are no more."""

    def held_up(self, discard: Operation) -> tuple[Span, int] | None:
        """The last delivery in its shard that failed before, and how often a batch that begins like that one had."""
        failed = self._failed.get((discard.value["shard"],), [])
        before = bisect_left(failed, discard.index, key=_opened_at)
        if not before:
            return None
        alike = self._failed[(discard.value["shard"], *failed[before - 1].value["intents"][:1])]
        return failed[before - 1], bisect_left(alike, discard.index, key=_opened_at)

    @cached_property
    def _failed(self) -> dict[tuple[str, ...], list[Span]]:
        """The deliveries that did not end ok: by the shard, and by the shard and the first intent."""
        failed: dict[tuple[str, ...], list[Span]] = {}
        for delivery in self:
            if delivery.outcome != OK:
                shard = delivery.value["shard"]
                for key in {(shard,), (shard, *delivery.value["intents"][:1])}:
                    failed.setdefault(key, []).append(delivery)
        return failed

    @cached_property
    def first(self) -> dict[str, int]:
        """By the shard, the lowest sequence number that was delivered."""
        first: dict[str, int] = {}
        for value in (delivery.value for delivery in self):
            for number in map(int, value["sequence_numbers"]):
                first[value["shard"]] = min(number, first.get(value["shard"], number))
        return first


class IntentTrace(Struct, eq=False, gc=False):
    """All that the history says of one intent. item: empty if the history does not name it.

    What few intents have is a tuple: an empty one takes no memory.
    """

    intent: str
    item: str = ""
    writes: list[Span] = []  # the writers' operations, copies included
    calls: list[Span] = []  # the writers' AWS calls, one for each attempt
    records: list[Operation] = []  # in the order of the stream
    removals: tuple[Operation, ...] = ()  # records of deletions of the item as this intent left it
    deliveries: list[Span] = []
    executions: list[Span] = []
    function_calls: list[Span] = []
    effects: list[Operation] = []
    discards: tuple[Operation, ...] = ()
    filters: tuple[Operation, ...] = ()
    dead_letters: tuple[Operation, ...] = ()
    fired: list[Operation] = []  # faults, at a point that concerns this intent
    _status: str = ""

    @property
    def status(self) -> str:
        """Acknowledged: one copy ended `ok`. Failed: every copy ended `fail`. Otherwise unresolved.

        It is asked for once the whole history has been taken in, and then by every checker.
        """
        if not self._status:
            outcomes = {write.outcome for write in self.writes}
            unacknowledged = FAILED if outcomes == {FAIL} else UNRESOLVED if outcomes else NEVER_INVOKED
            self._status = ACKNOWLEDGED if OK in outcomes else unacknowledged
        return self._status

    @property
    def owner(self) -> str:
        """The process that was to make the change; copies of it are made by others too."""
        return next((write.process for write in self.writes if not write.value.get("copy")), self.writes[0].process)

    @property
    def took_place(self) -> bool:
        """Whether the change surely happened: its writer knows it, or got no answer, and the stream has it.

        A writer that got an answer and says that nobody knows, as one that returns nothing does, proves nothing.
        """
        if self.status != UNRESOLVED:
            return self.status == ACKNOWLEDGED
        return bool(self.records) and not any(call.outcome == OK for call in self.calls)

    @property
    def leaves(self) -> str | None:
        """What the writer leaves of the item (NOTHING or COUNT), where that is not the item with this intent."""
        return next((write.value["leaves"] for write in self.writes if "leaves" in write.value), None)

    @property
    def landed_calls(self) -> list[Span]:
        """The writers' calls that took place, or may have taken place."""
        return [call for call in self.calls if call.outcome != FAIL and not call.left(self.intent)]

    @property
    def effect_calls(self) -> list[Span]:
        """The function's calls to a sink that took place, or may have taken place."""
        calls = [call for call in self.function_calls if call.value["effect"] and not call.left(self.intent)]
        return [call for call in calls if call.outcome != FAIL]

    @property
    def hand_overs(self) -> list[Span]:
        """The deliveries, or the executions where the mapping does not report its deliveries."""
        return self.deliveries or self.executions

    @property
    def times_applied(self) -> int:
        """How often the intent was applied at the sink where it was applied most often."""
        return max(self.times_at.values(), default=0)

    @property
    def times_at(self) -> dict[str, int]:
        at: dict[str, int] = {}
        for effect in self.effects:
            at[effect.value["sink"]] = at.get(effect.value["sink"], 0) + effect.value["count"]
        return at

    @property
    def distinct_records(self) -> list[Operation]:
        """One record for each event id (S-43)."""
        return list({record.value["event_id"]: record for record in reversed(self.records)}.values())[::-1]


def sdk_calls(attempts: Iterable[Span]) -> list[list[Span]]:
    """The attempts, grouped into the calls that the code made of the SDK."""
    calls: dict[tuple[str, int], list[Span]] = {}
    for attempt in attempts:
        calls.setdefault((attempt.process, attempt.value["call"]), []).append(attempt)
    return list(calls.values())


def between(operations: Sequence[Operation], first: Operation, last: Operation) -> Sequence[Operation]:
    """Of operations in the order of the history those after the first and before the last."""
    start = bisect_right(operations, first.index, key=_index)
    return operations[start : bisect_left(operations, last.index, start, key=_index)]


def _index(operation: Operation) -> int:
    return operation.index


def _opened_at(span: Span) -> int:
    return span.opened.index


def by_old_images(records: Sequence[Operation], final: str | None) -> list[str | None]:
    """records: of one item, in the order of the stream. final: the intent that the item has in the end."""
    after = [*(_before(record) for record in records[1:]), final]
    return [
        record.value["intent"] if record.value["event_name"] == REMOVE or record.value["intent"] else intent
        for record, intent in zip(records, after, strict=True)
    ]


def has_old_images(records: Sequence[Operation]) -> bool:
    return any("before" in record.value for record in records)


def by_order(changes: Sequence[tuple[str, Span]], count: int) -> list[str | None]:
    """The intents of `count` records, by the writes of the item in their order, each with its intent.

    A write that is repeated may change nothing, and then makes no record: the repetitions share what is left over.
    """
    sure = [change for change in changes if change[1].outcome == OK]
    if _count_groups(changes) > count >= _count_groups(sure):
        changes = sure  # some of those that nobody knows of did not take place
    groups = [(intent, len(list(group))) for intent, group in groupby(intent for intent, _ in changes)]
    spare = max(count - len(groups), 0)
    intents: list[str | None] = []
    for intent, written in groups:
        more = min(written - 1, spare)
        spare -= more
        intents += [intent] * (1 + more)
    return [*intents[:count], *[None] * (count - len(intents))]


def _count_groups(changes: Sequence[tuple[str, Span]]) -> int:
    return sum(1 for _ in groupby(intent for intent, _ in changes))


def _before(record: Operation) -> str | None:
    removed = record.value["event_name"] == REMOVE
    intent: str | None = record.value["intent"] if removed else record.value.get("before")
    return intent
