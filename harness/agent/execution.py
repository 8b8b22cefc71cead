"""One execution of the function, seen from inside: recorded, and harmed where the nemesis says so.

handle (before) ─► the handler, its calls on the wire ─► acknowledge (before) ─► the answer is handed over
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from harness.agent.actor import Actor
from harness.agent.requests import Subject, of_event, sequence_numbers
from harness.agent.wire import apply
from harness.faults.actions import ACKNOWLEDGE, BEFORE, HANDLE, PartialFailure
from harness.history import FAIL, INVOKE, OK

Handler = Callable[[Any, Any], Any]


def execute(handler: Handler, event: Any, context: Any, actor: Actor, environment: int, cold: bool, root: str) -> Any:
    """The handler's answer, as the nemesis left it; raises what the handler raised. root: the function's folder."""
    subject = of_event(event)
    value = _value(event, context, subject, environment, cold)
    actor.record(INVOKE, "execute", value)
    try:
        apply(actor.decide(HANDLE, BEFORE, subject), actor)
        answer = handler(event, context)
        for action in actor.decide(ACKNOWLEDGE, BEFORE, subject):
            if isinstance(action, PartialFailure):
                answer = _report_failed(event, action.position)
            else:
                apply((action,), actor)
    except Exception as error:
        actor.record(FAIL, "execute", value, describe_error(error, root))
        raise
    actor.record(OK, "execute", {**value, "reported": _reported(answer)})
    return answer


def not_begun(error: Exception, event: Any, context: Any, actor: Actor, environment: int, root: str) -> None:
    """Records an execution whose handler could not be imported."""
    value = _value(event, context, of_event(event), environment, cold=True)
    actor.record(INVOKE, "execute", value)
    actor.record(FAIL, "execute", value, describe_error(error, root))


def _value(event: Any, context: Any, subject: Subject, environment: int, cold: bool) -> dict[str, Any]:
    return {
        "request_id": context.aws_request_id,
        "environment": environment,
        "cold": cold,
        "sequence_numbers": sequence_numbers(event),
        "intents": list(subject.intents),
    }


def _reported(answer: Any) -> list[Any]:
    """What the answer names as failed, whether or not the mapping listens to it."""
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    return [item.get("itemIdentifier") for item in failures or () if isinstance(item, dict)]


def _report_failed(event: Any, position: float) -> dict[str, Any]:
    """An answer by which the records from a position on failed: at least the last one."""
    numbers = sequence_numbers(event)
    first = min(int(position * len(numbers)), len(numbers) - 1)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers[first:]]}


def describe_error(error: BaseException, root: str) -> str:
    """As in `KeyError: 'price' at billing.py:3`, the file as it is named in the function's folder, which is `root`."""
    place = _place(error, root)
    return f"{type(error).__name__}: {error}" + (f" at {place}" if place else "")


def _place(error: BaseException, root: str) -> str | None:
    """The innermost line of the user's own; of what is no Python, the line that cannot be read."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    for file, line in reversed(places):
        if Path(file).is_relative_to(root):
            name = Path(file).relative_to(root)
            if name.parts[0] not in {"harness", *_libraries(root)}:
                return f"{name.as_posix()}:{line}"
    return None


@cache
def _libraries(root: str) -> frozenset[str]:
    """The outermost names of what pip has installed there."""
    return frozenset(file.parts[0] for found in distributions(path=[root]) for file in found.files or ())
