"""Runs one execution of the function: records it, and applies the faults that the nemesis decides on.

handle (before) ─► the handler, its calls on the wire ─► acknowledge (before) ─► the answer is handed over
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from types import NoneType
from typing import Any

from harness.agent.actor import Actor
from harness.agent.requests import Subject, of_event, sequence_numbers
from harness.agent.wire import apply
from harness.faults.actions import PartialFailure
from harness.faults.points import ACKNOWLEDGE, BEFORE, HANDLE
from harness.history import FAIL, INVOKE, OK

_MAX_MESSAGE = 10_000  # characters
Handler = Callable[[Any, Any], Any]


class RaisedInFunction(Exception):
    """What the handler raised in another process, as it was described there.

    kind: the name of its class. trace: the lines of its traceback.
    """

    def __init__(self, kind: str, message: str, described: str, trace: list[str]) -> None:
        super().__init__(message)
        self.kind = kind
        self.described = described
        self.trace = trace


def execute(handler: Handler, event: Any, context: Any, actor: Actor, environment: int, cold: bool, root: str) -> Any:
    """The handler's answer, which faults may have changed; raises what it raised. root: the function's folder."""
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


def not_begun(error: BaseException, event: Any, context: Any, actor: Actor, environment: int, root: str) -> None:
    """Records an execution whose handler could not be imported. What ends the process ends the execution with it."""
    value = _value(event, context, of_event(event), environment, cold=True)
    actor.record(INVOKE, "execute", value)
    if isinstance(error, Exception):
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
    """The records that the answer reports as failed, whether or not the mapping reads the report."""
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    items = failures if isinstance(failures, list | tuple) else ()
    identifiers = [item.get("itemIdentifier") for item in items if isinstance(item, dict)]
    plain = (str, int, NoneType)  # anything else may have no JSON
    return [each if isinstance(each, plain) else type(each).__name__ for each in identifiers]


def _report_failed(event: Any, position: float) -> dict[str, Any]:
    """An answer that reports the records from a position on as failed: at least the last one."""
    numbers = sequence_numbers(event)
    first = min(int(position * len(numbers)), len(numbers) - 1)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers[first:]]}


def exit_of(error: BaseException, root: str) -> str:
    """How the process ends: Lambda's runtime catches no more than Exception, so that anything else ends it."""
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        return f"exit status {status & 0xFF}"
    return f"exit status 1: {describe_error(error, root)}"


def describe_error(error: BaseException, root: str) -> str:
    """For example `KeyError: 'price' at billing.py:3`. The path is relative to `root`, the function's folder."""
    if isinstance(error, RaisedInFunction):
        return error.described
    location = _location(error, root)
    return f"{type(error).__name__}: {message_of(error)}" + (f" at {location}" if location else "")


def message_of(error: BaseException) -> str:
    """An error's own text, cut where it is endless: its class is the user's, and may raise instead of giving one."""
    try:
        message = str(error)
    except Exception as second:
        return f"(its text raises {type(second).__name__})"
    return message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"


def _location(error: BaseException, root: str) -> str | None:
    """The innermost traceback line in the user's files; for a SyntaxError, its line."""
    lines = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno))
    for file, line in reversed(lines):
        if Path(file).is_relative_to(root):
            name = Path(file).relative_to(root)
            if name.parts[0] not in {"harness", *_libraries(root)}:
                return f"{name.as_posix()}:{line}"
    return None


@cache
def _libraries(root: str) -> frozenset[str]:
    """The top-level names that pip has installed there."""
    return frozenset(file.parts[0] for package in distributions(path=[root]) for file in package.files or ())
