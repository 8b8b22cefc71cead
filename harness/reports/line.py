"""One operation of a history as one line of text."""

from __future__ import annotations

from collections.abc import Callable

from harness.history import Operation, Value

MAX_NAMES = 3


def line(operation: Operation) -> str:
    """`#118 writer/1       invoke put todo-4/1`, and the error, if it has one."""
    told = _TELL.get(operation.role, _other)(operation)
    error = f"   {operation.error}" if operation.error else ""
    return f"#{operation.index:<5} {operation.process:<14} {operation.type:<6} {told}{error}"


def names(values: list[str]) -> str:
    """The first few, and how many more."""
    more = f" +{len(values) - MAX_NAMES}" if len(values) > MAX_NAMES else ""
    return " ".join(values[:MAX_NAMES]) + more


def _writer(operation: Operation) -> str:
    value = operation.value
    if "." in operation.f:
        return _call(operation)
    copy = f" (copy {value['copy']})" if value.get("copy") else ""
    return f"{operation.f} {value.get('intent', '')}{copy}"


def _call(operation: Operation) -> str:
    value = operation.value
    attempt = f" attempt {value['attempt']}" if value["attempt"] > 1 else ""
    return f"{operation.f} {value['table']} {names(value['intents'])}{attempt}"


def _function(operation: Operation) -> str:
    if "." in operation.f:
        return _call(operation)
    cold = " (cold start)" if operation.value.get("cold") and operation.type == "invoke" else ""
    return f"{operation.f} {names(operation.value['intents'])}{cold}"


def _dispatcher(operation: Operation) -> str:
    value = operation.value
    detail = value.get("outcome") or value.get("reason") or ""
    return f"{operation.f} {names(value['intents'])} {detail}".rstrip()


def _nemesis(operation: Operation) -> str:
    return f"{operation.f} at {operation.value['point']}"


def _observer(operation: Operation) -> str:
    return f"{operation.f} {_SEEN[operation.f](operation.value)}"


def _effect(value: Value) -> str:
    count = f" ×{value['count']}" if value["count"] != 1 else ""
    return f"of {value['intent'] or 'no intent'} in {value['sink']}{count}"


def _platform(operation: Operation) -> str:
    value = operation.value
    seconds = f" for {value['seconds']:g} s" if value.get("seconds") else ""
    process = f" of {value['process']}" if value.get("process") else ""
    return f"{operation.f}{process}{seconds}"


def _other(operation: Operation) -> str:
    return f"{operation.f} {operation.value.get('phase', '')}".rstrip()


_SEEN: dict[str, Callable[[Value], str]] = {
    "gone": lambda value: value["resource"],
    "record": lambda value: f"{value['event_name']} {value['intent']} at {value['sequence_number']}",
    "effect": _effect,
    "state": lambda value: f"of {value['item']} in the {value['role']}: {value['intent'] or 'nothing'}",
    "dead_letter": lambda value: f"{value['condition']} {value['start']}…{value['end']}",
}
_TELL = {
    "writer": _writer,
    "function": _function,
    "dispatcher": _dispatcher,
    "nemesis": _nemesis,
    "observer": _observer,
    "platform": _platform,
}
