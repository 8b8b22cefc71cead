"""The types of an operation's fields, by which a stored history is read: whatever else a line holds is damage.

The table of harness.history says what the fields mean.
"""

from __future__ import annotations

from functools import lru_cache
from types import NoneType
from typing import Any

from harness.errors import shown
from harness.history import Operation

Types = tuple[type, ...]
_FIELDS: dict[str, Types] = {
    **dict.fromkeys(("index", "time"), (int,)),
    **dict.fromkeys(("process", "type", "f"), (str,)),
    "value": (dict,),
    "error": (str, NoneType),
}
# The fields of values by which operations are judged. A field has the same types wherever it occurs.
_VALUE: dict[str, Types] = {
    **dict.fromkeys(("attempt", "call", "copy", "delivery", "fault", "ended_by", "environment", "count"), (int,)),
    **dict.fromkeys(("quiet", "complete", "cold", "effect", "dead_lettered"), (bool,)),
    **dict.fromkeys(("shard", "table", "phase", "reason", "outcome", "point", "action", "process", "sink"), (str,)),
    **dict.fromkeys(("role", "resource", "request_id", "event_name", "event_id", "condition", "leaves"), (str,)),
    **dict.fromkeys(("platform", "verdict", "why", "sequence_number", "start", "end"), (str,)),
    **dict.fromkeys(("intent", "item", "before"), (str, NoneType)),
    **dict.fromkeys(("names", "mapping", "sinks", "owed", "contents", "source", "views"), (dict,)),
    **dict.fromkeys(("intents", "items", "sequence_numbers", "standing_still", "unprocessed"), (list,)),
    **dict.fromkeys(("faults", "matched"), (list,)),
}
_OF_LISTS: dict[str, type] = {"matched": int}  # the others hold texts
_MAPPINGS_OF_MAPPINGS = ("sinks", "views", "contents")
_DIGITS = ("sequence_number", "start", "end")
_NO_VALUE_TYPE: Types = ()
_BATCH = ("shard", "sequence_numbers", "intents")
_CALL = frozenset(("call", "attempt", "table", "items", "intents", "effect"))
# The fields without which an operation cannot be judged.
_REQUIRED = {
    ("harness", "phase"): ("phase",),
    ("harness", "reference"): ("platform", "verdict", "why", "owed", "contents", "source", "views"),
    ("dispatcher", "deliver"): ("delivery", "attempt", *_BATCH),
    ("dispatcher", "discard"): ("reason", "dead_lettered", *_BATCH),
    ("dispatcher", "filter"): _BATCH,
    ("observer", "filter"): _BATCH,
    ("function", "execute"): ("request_id", "environment", "sequence_numbers", "intents"),
    ("observer", "gone"): ("resource",),
    ("observer", "record"): ("shard", "sequence_number", "event_id", "event_name", "item", "intent"),
    ("observer", "effect"): ("sink", "intent", "item", "count"),
    ("observer", "state"): ("role", "item", "intent"),
    ("observer", "dead_letter"): ("condition", "shard", "start", "end"),
}


def wrong_field(operation: Operation) -> str | None:
    """The first field that is missing or has another type, as in `value.intents is 5`."""
    for name, types in _FIELDS.items():
        if type(getattr(operation, name)) not in types:
            return f"{name} is {shown(getattr(operation, name))}"
    value = operation.value
    required = _required(operation.process, operation.f)
    if not required <= value.keys():
        return f"value.{min(required - value.keys())} is missing"
    for name, content in value.items():
        types = _VALUE.get(name, _NO_VALUE_TYPE)
        if types and (type(content) not in types or (content and not _holds(name, content))):
            return f"value.{name} is {shown(content)}"
    return None


@lru_cache(maxsize=1024)
def _required(process: str, f: str) -> frozenset[str]:
    """A call has the same fields, whoever makes it."""
    role = process.partition("/")[0]
    if role == "nemesis":
        return frozenset(("fault",))
    is_call = "." in f and role in ("writer", "function", "dispatcher")
    return _CALL if is_call else frozenset(_REQUIRED.get((role, f), ()))


def _holds(name: str, content: Any) -> bool:
    """Whether what a list, a mapping or a number as a text holds is right too."""
    if type(content) is list:
        kind = _OF_LISTS.get(name, str)
        return all([type(each) is kind for each in content])
    if name in _MAPPINGS_OF_MAPPINGS:
        return all(isinstance(each, dict | list) for each in content.values())
    return name not in _DIGITS or content.isdecimal()
