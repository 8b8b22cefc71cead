"""Where effects land: what each sink is owed by the reference, and whether what it holds can be read. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from harness.checkers.trace import IntentTrace, Span
from harness.history import MAX_CONTENT, OK, Operation, Value
from harness.verdict import VALID

SOURCE = "source"  # the role of what the writers write into
MAX_SHOWN = 120  # characters of a row in a sentence
MAX_SEARCHED = 100  # rows of a sink that are searched for intents


@dataclass
class Sinks:
    """What it says is asked for once the whole history has been taken in.

    described: the source and each sink by its logical id, as the stack describes it.

    reference: as harness.reference made it.
    """

    described: dict[str, dict[str, str]] = field(default_factory=dict)
    reference: Value | None = None
    written: set[str] = field(default_factory=set)  # the intents that the writers wrote
    items: set[str] = field(default_factory=set)  # of the writers
    calls: dict[int, list[Span]] = field(default_factory=dict)  # of the function, by the execution
    _source: str | None = None
    _views: set[str] = field(default_factory=set)
    _named: set[str] = field(default_factory=set)  # sinks in which a row names an intent
    _nameless: dict[str, list[str]] = field(default_factory=dict)  # by the sink, what the other rows hold
    odd: dict[str, list[str]] = field(default_factory=dict)  # those of them that stand for no item that is gone
    _hints: dict[str, str] = field(default_factory=dict)  # by the sink, where its rows name their intents
    _left_out: frozenset[str] = frozenset()
    _owed: dict[str, frozenset[str]] = field(default_factory=dict)  # intents by sink

    def read_reference(self, value: Value) -> None:
        self.reference = value
        self._left_out = frozenset(value.get("left_out", ()))
        self._owed = {sink: frozenset(intents) for sink, intents in value["owed"].items()}

    def note(self, row: Operation) -> None:
        """Takes an effect, or an item of a view or of the source."""
        sink = row.value.get("sink") or row.value.get("resource", "")
        if row.value.get("role") == SOURCE:
            self._source = sink
        elif "role" in row.value:
            self._views.add(sink)
        if row.value["intent"] is not None:
            self._named.add(sink)
        elif "content" in row.value or row.f == "effect":
            content = row.value.get("content", "null")
            self._nameless.setdefault(sink, []).append(content)
            if row.f == "effect" or (sink != self._source and row.value["item"] not in self.items):
                self.odd.setdefault(sink, []).append(content)

    def owing(self, intent: str | None = None) -> list[str]:
        """The sinks that are owed an effect: of this intent, or of any. One that can't be read is none of them."""
        unreadable = self.unreadable
        return [
            sink
            for sink, intents in self._owed.items()
            if (intent is None or intent in intents) and sink not in unreadable
        ]

    @cached_property
    def taking_all(self) -> set[str]:
        """The sinks at which the reference leaves out no intent that was written."""
        return {sink for sink, intents in self._owed.items() if intents.issuperset(self.written)}

    def beside(self, traces: Iterable[IntentTrace]) -> dict[str, list[str]]:
        """By the sink, the intents that landed there although the reference, which is valid, has them elsewhere."""
        beside: dict[str, list[str]] = {}
        if self.reference and self.reference["verdict"] == VALID:
            for trace in traces:
                for sink in trace.times_at:
                    if trace.intent not in self._owed.get(sink, ()):
                        beside.setdefault(sink, []).append(trace.intent)
        return beside

    def left_out(self, intent: str) -> bool:
        """Whether the reference has handled the intent and has no effect of it."""
        return intent in self._left_out

    def depends_on_order(self, trace: IntentTrace, sink: str, orders: dict[str, list[str | None]]) -> bool:
        """Whether the sink may lack it because the writers' changes of its item came in another order.

        orders: as in the index. A sink that the reference left nothing out at takes all changes in any order.
        """
        if self.reference is None or trace.item not in orders or sink in self.taking_all:
            return False
        return bool(self.reference.get("orders", {}).get(trace.item) != orders[trace.item])

    @cached_property
    def several(self) -> bool:
        """Whether more than one sink holds anything, here or in the reference: then each is named."""
        owed = (sink for sink, intents in self._owed.items() if intents)
        return len({*self._named, *self._nameless, *owed, *self.reference_views} - {self._source}) > 1

    @property
    def compared_with(self) -> dict[str, str] | None:
        """The reference's platform and verdict, and why it is not valid."""
        return {key: self.reference[key] for key in ("platform", "verdict", "why")} if self.reference else None

    @cached_property
    def reference_views(self) -> list[str]:
        """The views in which a row names an intent."""
        views = self.reference["views"].items() if self.reference else ()
        return [view for view, states in views if any(intent is not None for intent in states.values())]

    def other_numbers(
        self, view: str, states: dict[str, Operation], source: dict[str, Operation]
    ) -> Iterator[tuple[str, str, float, float]]:
        """What a row of the view counts otherwise than without the faults: item, path, number, and number there.

        states, source: the last state of each item. Only where both rows are of one intent. What the item itself has
        is a copy, and counts nothing.
        """
        reference = self.reference or {}
        intents, numbers = (reference.get(part, {}).get(view, {}) for part in ("views", "numbers"))
        for item, state in states.items():
            if state.value["intent"] is None or intents.get(item) != state.value["intent"]:
                continue
            own = source[item].value.get("numbers", {}) if item in source else {}
            copied = {(_last_name(path), number) for path, number in own.items()}
            for path, number in state.value.get("numbers", {}).items():
                there = numbers.get(item, {}).get(path, number)
                if number != there and (_last_name(path), number) not in copied:
                    yield item, path, number, there

    @cached_property
    def unreadable(self) -> list[str]:
        """The sinks that hold something, none of which names an intent, and that named none in the reference.

        A view of items that are gone from the source may rightly name none: where no row has an intent anywhere, and
        the function has written rows there that had one.
        """
        unnamed = [sink for sink in self._nameless if sink not in self._named and sink != self._source]
        if self._source not in self._named:
            unnamed = [sink for sink in unnamed if sink not in self._views or not self._keeps_the_gone(sink)]
        return [sink for sink in unnamed if not self._owed.get(sink) and sink not in self.reference_views]

    def _keeps_the_gone(self, view: str) -> bool:
        """Whether a row of the view can have named an intent, and none names one where the path does not look."""
        contents = (_content(row) for row in self._nameless[view][:MAX_SEARCHED])
        hidden = any(not self.written.isdisjoint(_paths(content).values()) for content in contents)
        named = (
            call for calls in self.calls.values() for call in calls if call.outcome == OK and call.value["intents"]
        )
        return not hidden and any(view in self.of_call(call) for call in named)

    @cached_property
    def nameless(self) -> list[str]:
        """The ledgers whose rows are of no intent, as markers are, beside a sink that names some.

        No path would name one either. Like a counter, the rows are right where they are as without the faults.
        """
        if not (self._named - {self._source} or any(self._owed.values())):
            return []
        ledgers = [sink for sink in self.unreadable if len(self.odd.get(sink, ())) == len(self._nameless[sink])]
        return [sink for sink in ledgers if not self._hint_at(sink)]

    def _hint_at(self, sink: str) -> str:
        if sink not in self._hints:
            self._hints[sink] = _hint(self._nameless[sink], self.written)
        return self._hints[sink]

    @property
    def in_part_unreadable(self) -> list[str]:
        """The sinks that hold rows without an intent beside others, or that held others in the reference.

        Such a row, as a counter, is right where it is as without the faults.
        """
        return [sink for sink in self.odd if sink not in self.unreadable and not self._is_as_without_faults(sink)]

    def _is_as_without_faults(self, sink: str) -> bool:
        if self.reference is None or self.reference["verdict"] != VALID:
            return False
        whole = all(len(row) < MAX_CONTENT for row in self.odd[sink])  # others are cut short
        return whole and Counter(self.odd[sink]) == Counter(self.reference["contents"].get(sink, ()))

    @property
    def source_unreadable(self) -> bool:
        """Whether the source holds items, none of which names an intent."""
        return self._source in self._nameless and self._source not in self._named

    @cached_property
    def names(self) -> list[str]:
        return [sink for sink, each in self.described.items() if each["role"] != SOURCE]

    @cached_property
    def _deployed(self) -> dict[str, str]:
        """The name of each sink."""
        return {sink: self.described[sink]["name"] for sink in self.names}

    def holds(self, sink: str) -> bool:
        return sink in self._named or sink in self._nameless

    def of_call(self, call: Span) -> list[str]:
        """The sinks that a call goes to: by their names, or for an endpoint by the end of its URL."""
        targets = call.value["table"].split(",")
        return [
            sink
            for sink, name in self._deployed.items()
            if any(target == name or (name[0] == "/" and target.endswith(name)) for target in targets)
        ]

    def of(self, trace: IntentTrace, sink: str) -> IntentTrace:
        """The trace of the intent as if there were no other sink."""
        if sink not in self.described:
            return trace
        return replace(
            trace,
            effects=[effect for effect in trace.effects if effect.value["sink"] == sink],
            function_calls=[
                call for call in trace.function_calls if not call.value["effect"] or sink in self.of_call(call)
            ],
        )

    def why_unreadable(self) -> Iterator[str]:
        """One sentence for each of them that is not right by the reference."""
        for sink in [*self.unreadable, *([self._source] if self._source and self.source_unreadable else [])]:
            if sink in self.nameless and self._is_as_without_faults(sink):
                continue
            rows = self._nameless[sink]
            path = self.described.get(sink, {}).get("intent", "intent")
            shown = _shown(rows[0])
            count = f"its only row, {shown}" if len(rows) == 1 else f"its {len(rows)} rows, such as {shown}"
            yield (
                f"no row of {sink} names an intent: the path `{path}` matches none of {count}"
                f"{self._hint_at(sink)}{self._compared(sink)}"
            )

    def why_unreadable_in_part(self) -> Iterator[str]:
        for sink in self.in_part_unreadable:
            rows = self.odd[sink]
            count = "a row" if len(rows) == 1 else f"{len(rows)} rows"
            yield (
                f"{count} of {sink} {'names' if len(rows) == 1 else 'name'} no intent, such as {_shown(rows[0])}: "
                f"whether {'it belongs' if len(rows) == 1 else 'they belong'} there cannot be judged"
                f"{self._compared(sink)}"
            )

    def _compared(self, sink: str) -> str:
        """How the contents differ from those of the reference."""
        if self.reference is None:
            return ""
        if self.reference["verdict"] != VALID and not self.reference["contents"].get(sink):
            return ""
        held, expected = Counter(self.odd.get(sink, ())), Counter(self.reference["contents"].get(sink, ()))
        if held == expected:
            return ". They are the same as without the faults"
        more, fewer = (held - expected).total(), (expected - held).total()
        return f". Without the faults, {more} of them are not there, and {fewer} others are"


def _shown(row: str) -> str:
    return row if len(row) <= MAX_SHOWN else f"{row[:MAX_SHOWN]}…"


def _hint(rows: list[str], intents: set[str]) -> str:
    """intents: those that the writers wrote. The path at which each row names an intent, or how else it names some."""
    contents = [content for content in map(_content, rows) if content is not None]
    paths = [_paths(content) for content in contents]
    if not paths or len(paths) != len(rows):
        return ""
    if any(len(intents.intersection(row.values())) > 1 for row in paths):
        return "; a row names several intents, and an effect must name one"
    for path in paths[0]:
        if all(row.get(path) in intents for row in paths):
            return f"; nearest: `{path}`"
    if any(intent in str(value) for row in paths[:MAX_SEARCHED] for value in row.values() for intent in intents):
        return "; they name their intents inside a text, where no path reaches"
    return ""


def _content(row: str) -> Any:
    try:
        return json.loads(row)
    except ValueError:  # a long one, cut short
        return None


def _paths(content: Any, path: str = "") -> dict[str, str]:
    """Each text and number of a row by its JMESPath; `@` for a row that is nothing but one."""
    if isinstance(content, dict):
        inner = [(f"{path}.{_quoted(name)}" if path else _quoted(name), value) for name, value in content.items()]
    elif isinstance(content, list):
        inner = [(f"{path}[{position}]", value) for position, value in enumerate(content)]
    else:
        return {path or "@": str(content)}
    return {inner_path: text for part, value in inner for inner_path, text in _paths(value, part).items()}


def _last_name(path: str) -> str:
    return path.rpartition(".")[2]


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else json.dumps(name)
