"""The handler that Lambda calls in place of the user's, which HARNESS_HANDLER names.

Importing this module sets up the wire first, so that clients which the user's module makes use it too.
"""

from __future__ import annotations

import importlib
import os
import threading
from typing import Any, NoReturn

import boto3
from botocore.handlers import BUILTIN_HANDLERS

from harness.agent.control import Control
from harness.agent.execution import Handler, execute, exit_of, not_begun
from harness.agent.http import lines
from harness.agent.process import CONTROL, HANDLER, FunctionActor, FunctionPlan
from harness.agent.requests import of_event
from harness.agent.wire import Wire, note_timeouts
from harness.faults.points import ACKNOWLEDGE, AFTER

_control = Control(boto3.client("dynamodb"), os.environ[CONTROL])
_content, _environment = _control.read_plan()
_plan = FunctionPlan.from_json(_content)
_actor = FunctionActor(_control, _plan, _environment)
_wire = Wire(_actor, _plan.sinks, _plan.names)
# boto3's session was made before the wire. A new session would add 80 ms to every cold start.
for _hook in (("request-created", note_timeouts), ("before-send", _wire)):
    BUILTIN_HANDLERS.append(_hook)
    boto3.DEFAULT_SESSION.events.register(*_hook)

_lines = lines(_wire, (sink for sink in _plan.sinks if "://" in sink))
_lines.__enter__()  # for as long as this process lives
_root = os.environ["LAMBDA_TASK_ROOT"]


def _imported() -> tuple[Handler | None, BaseException | None]:
    """The user's handler, or what importing it raised, which the first execution reports.

    `os._exit` raises here, too: ended now, the process would leave no execution, and nobody would know why.
    """
    module, _, function = os.environ[HANDLER].rpartition(".")
    exits: list[SystemExit] = []
    at_once, importing = os._exit, (os.getpid(), threading.get_ident())

    def exit_in_an_execution(status: int) -> NoReturn:
        if (os.getpid(), threading.get_ident()) != importing:
            at_once(status)
        exits.append(SystemExit(status))
        raise exits[0]

    os._exit = exit_in_an_execution
    try:
        handler = getattr(importlib.import_module(module.replace("/", ".")), function)
    except BaseException as error:
        return None, exits[0] if exits else error
    finally:
        os._exit = at_once
    return (None, exits[0]) if exits else (handler, None)


_handler, _error = _imported()
_cold = True


def handler(event: Any, context: Any) -> Any:
    """One execution. Its history is stored before its answer is handed over."""
    global _cold, _handler, _error
    subject = of_event(event)
    _actor.begin(subject, context.get_remaining_time_in_millis() / 1000)
    cold, _cold = _cold, False
    try:
        if _handler is None and not cold:  # Lambda imports again too
            _handler, _error = _imported()
        if _handler is None:
            assert _error
            not_begun(_error, event, context, _actor, _environment, _root)
            raise _error
        answer = execute(_handler, event, context, _actor, _environment, cold, _root)
        if _actor.decide(ACKNOWLEDGE, AFTER, subject):
            _actor.crash_when_handed_over()
        return answer
    except Exception:
        raise
    except BaseException as error:
        _actor.exits(exit_of(error, _root))
        raise
    finally:
        _actor.end()
