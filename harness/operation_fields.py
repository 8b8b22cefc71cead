"""The types of an operation's fields, by which a stored history is read: whatever else a line holds is damage.

The table of harness.history says what the fields mean. Here are those by which operations are judged; a value may have
others. What has a default may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Struct, ValidationError, convert
from msgspec.json import Decoder

from harness.history import INVOKE, Operation, Value

Texts = list[str]
Number = Annotated[str, Meta(pattern="^[0-9]{1,1000}$")]  # a sequence number has more digits than a machine's integer
_LISTS = frozenset(("intents", "items", "sequence_numbers"))
_MAX_KEPT = 1_000_000  # texts, and lists of texts, that are kept once while a history is read


class _Line(Struct, gc=False, forbid_unknown_fields=True):
    """In the order in which they are stored."""

    error: str | None
    f: str
    index: int
    process: str
    time: int
    type: Literal["invoke", "ok", "fail", "info"]
    value: Value


class _Phase(Struct, gc=False):
    phase: str
    faults: Texts = []
    sinks: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    mapping: Value = {}
    standing_still: Texts = []
    leaves_out: bool = False
    share: bool = False
    matched: list[int] = []
    quiet: bool = False
    reason: str = ""
    complete: bool = False


class _Reference(Struct, gc=False):
    platform: str
    verdict: str
    why: str
    owed: dict[str, Texts]
    contents: dict[str, Texts]
    source: dict[str, str | None]
    views: dict[str, dict[str, str | None]]
    left_out: Texts = []
    orders: dict[str, list[str | None]] = {}
    numbers: dict[str, dict[str, dict[str, float]]] = {}


class _Write(Struct, gc=False):
    """One that reads has no intent."""

    intent: str | None = None
    item: str | None = None
    copy: int = 0
    leaves: str = ""


class _Call(Struct, gc=False):
    call: int
    attempt: int
    table: str
    items: Texts
    intents: Texts
    effect: bool
    unprocessed: Texts = []


class _Fault(Struct, gc=False):
    fault: int
    point: str = ""
    process: str = ""
    action: str = ""
    intents: Texts = []
    ended_by: int = 0


class _Disruption(Struct, gc=False):
    process: str = ""


class _Lost(Struct, gc=False):
    phase: str


class _Batch(Struct, gc=False, kw_only=True):
    shard: str
    sequence_numbers: list[Number]
    intents: Texts


class _Delivery(_Batch, gc=False, kw_only=True):
    delivery: int
    attempt: int
    outcome: str = ""


class _Discard(_Batch, gc=False, kw_only=True):
    reason: str
    dead_lettered: bool


class _Execution(Struct, gc=False):
    request_id: str
    environment: int
    sequence_numbers: list[Number]
    intents: Texts
    cold: bool = False


class _Gone(Struct, gc=False):
    resource: str


class _Record(Struct, gc=False):
    shard: str
    sequence_number: Number
    event_id: str
    event_name: str
    item: str | None
    intent: str | None
    before: str | None = None


class _Effect(Struct, gc=False):
    sink: str
    intent: str | None
    item: str | None
    count: int
    order: int | None = None
    content: str = ""


class _State(Struct, gc=False):
    role: str
    item: str | None
    intent: str | None
    resource: str = ""
    changes: int = 0
    numbers: dict[str, float] = {}
    content: str = ""


class _DeadLetter(Struct, gc=False):
    condition: str
    shard: str
    start: Number
    end: Number


_new = object.__new__
# A frozen dataclass made through its __init__ takes as long as reading the line.
_set_index, _set_time, _set_process, _set_type, _set_f, _set_value, _set_error = (
    getattr(Operation, name).__set__ for name in Operation.__slots__
)

_BY_ROLE: dict[str, type[Struct]] = {"nemesis": _Fault, "platform": _Disruption, "writer": _Write}
_BY_F: dict[tuple[str, str], type[Struct]] = {
    ("harness", "phase"): _Phase,
    ("harness", "reference"): _Reference,
    ("dispatcher", "deliver"): _Delivery,
    ("dispatcher", "discard"): _Discard,
    ("dispatcher", "filter"): _Batch,
    ("observer", "filter"): _Batch,
    ("function", "execute"): _Execution,
    ("platform", "lost"): _Lost,
    ("observer", "gone"): _Gone,
    ("observer", "record"): _Record,
    ("observer", "effect"): _Effect,
    ("observer", "state"): _State,
    ("observer", "dead_letter"): _DeadLetter,
}


def _fields(process: str, f: str) -> type[Struct] | None:
    """A call has the same fields, whoever makes it."""
    role = process.partition("/")[0]
    if "." in f and role in ("writer", "function", "dispatcher"):
        return _Call
    return _BY_F.get((role, f)) or _BY_ROLE.get(role)


class _Kind(Struct):
    """What operations of one process with one f have in common. opened: the value of the one that is open."""

    process: str
    f: str
    fields: type[Struct] | None
    opened: Value | None = None


class _HistoryReader:
    """Keeps once what many lines say: texts, lists of texts, and the value of an operation that its close repeats.

    So a long history takes half the memory.
    """

    def __init__(self) -> None:
        self._decode = Decoder(_Line).decode
        self._texts: dict[str, str] = {}
        self._lists: dict[tuple[str, ...], Texts] = {}
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def __call__(self, line: bytes) -> Operation:
        try:
            stored = self._decode(line)
        except ValidationError as error:
            raise ValueError(_sentence(error)) from None
        except DecodeError:  # half a pair of surrogates, which is no UTF-8
            stored = convert(json.loads(line), _Line)
        kind = self._kinds.get((stored.process, stored.f)) or self._kind(stored.process, stored.f)
        if stored.type == INVOKE:
            value = kind.opened = self._value(stored.value, kind.fields)
        else:
            value = kind.opened if kind.opened == stored.value else self._value(stored.value, kind.fields)
            kind.opened = None
        operation = _new(Operation)
        _set_index(operation, stored.index)
        _set_time(operation, stored.time)
        _set_process(operation, kind.process)
        _set_type(operation, stored.type)
        _set_f(operation, kind.f)
        _set_value(operation, value)
        _set_error(operation, stored.error)
        return operation

    def _kind(self, process: str, f: str) -> _Kind:
        kept = self._texts.setdefault
        kind = self._kinds[process, f] = _Kind(kept(process, process), kept(f, f), _fields(process, f))
        return kind

    def _value(self, value: Value, fields: type[Struct] | None) -> Value:
        """The value, if its fields are of their types. Raises ValueError for the first that is not."""
        if fields:
            try:
                convert(value, fields)
            except ValidationError as error:
                raise ValueError(_sentence(error, ".value")) from None
        text, texts = self._texts.setdefault, self._lists.setdefault
        for name, content in value.items():
            if type(content) is str:
                value[name] = text(content, content)
            elif name in _LISTS:
                value[name] = texts(tuple(content), content)
        if len(self._texts) > _MAX_KEPT:
            self._texts.clear()
        if len(self._lists) > _MAX_KEPT:
            self._lists.clear()
        return value


def stored_operations(lines: Iterable[bytes]) -> Iterator[Operation]:
    """The operations of a history, one a line. Raises ValueError, TypeError or RecursionError for a damaged one.

    The last line may be cut short: the run was killed while it was written.
    """
    read = _HistoryReader()
    for line in lines:
        try:
            operation = read(line)
        except ValueError:
            if line.endswith(b"\n"):
                raise
            return
        yield operation


def _sentence(error: ValidationError, part: str = "") -> str:
    """As in `value.intents: Expected `array`, got `str``: msgspec says the place at the end, from `$` on."""
    what, _, place = str(error).partition(" - at `$")
    path = f"{part}{place.rstrip('`')}".removeprefix(".")
    return f"{path}: {what}" if path else what
