"""The program of a function's process: it imports the handler, and calls it with one event after another.

It takes its orders from the run (see conversation.py), and sends the function's calls there: the run has the wire, the
nemesis and the services. What Lambda's runtime does for a handler is done here: the context, and a logging that is set
up. Sources: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html and
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from _thread import get_ident
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from harness.agent.actor import Raw
from harness.agent.execution import describe_error, exit_of, message_of
from harness.agent.requests import body_of, headers_of
from harness.agent.wire import BOTOCORES, Timeouts, current_timeouts
from harness.environment.conversation import Ask, Conversation, Response
from harness.environment.determinism import Chance, VirtualClock
from harness.environment.tasks import TASKS

_ERRORS: dict[str, Callable[..., Exception]] = {
    "ConnectionClosedError": ConnectionClosedError,
    "ConnectTimeoutError": ConnectTimeoutError,
    "ReadTimeoutError": ReadTimeoutError,
}


class RemoteWire:
    """Stands for `harness.agent.wire.Wire`: a botocore `before-send` handler, which the tasks of a process share."""

    def __init__(self) -> None:
        self.asks: list[Ask] = []  # that the run has not heard of
        self.replies: dict[int, Response] = {}
        self.threads: dict[int, int] = {}  # that wait for the reply to an ask
        self._numbers = count(1)

    def __call__(self, event_name: str, request: Any, **_: Any) -> AWSResponse:
        service_id, operation = event_name.split(".")[1:]
        return self.exchange(service_id.replace("-", ""), operation, request, current_timeouts())

    def exchange(self, service: str, operation: str, request: Any, timeouts: Timeouts = BOTOCORES) -> AWSResponse:
        """One attempt. Raises what botocore raises where no reply comes. Where there is no run yet, it is refused."""
        if TASKS.turn is None:
            return AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, Raw(b"{}"))
        number = next(self._numbers)
        body = body_of(request).decode("latin-1")
        self.asks.append(
            Ask(number, service, operation, request.method, request.url, headers_of(request), body, *timeouts)
        )
        self.threads[number] = get_ident()
        TASKS.wait(lambda: number in self.replies)
        del self.threads[number]
        reply = self.replies.pop(number)
        if reply.error:
            raise _ERRORS[reply.error](endpoint_url=request.url)
        return AWSResponse(request.url, reply.status, reply.headers, Raw(reply.body.encode("latin-1")))


TERMINAL = "/dev/tty"
Arc = tuple[int, int]


class Coverage:
    """The arcs between lines that run in files below a folder, as coverage.py counts them.

    An arc from or to the negative first line of a block of code is its beginning or its end.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._arcs: dict[str, set[Arc]] = {}
        self._told: dict[str, set[Arc]] = {}

    def install(self) -> None:
        threading.settrace(self._begin)
        sys.settrace(self._begin)

    def news(self) -> dict[str, list[Arc]]:
        """The arcs of each file that were not told before."""
        news = {}
        for file, arcs in self._arcs.items():
            told = self._told.setdefault(file, set())
            if fresh := sorted(arcs - told):
                told.update(fresh)
                news[file] = fresh
        return news

    def _begin(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if not code.co_filename.startswith(self._root):
            return None
        arcs, last = self._arcs.setdefault(code.co_filename, set()), -code.co_firstlineno

        def trace(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
            nonlocal last
            if event == "line":
                arcs.add((last, frame.f_lineno))
                last = frame.f_lineno
            elif event == "return":
                arcs.add((last, -code.co_firstlineno))
            return trace

        return trace


_terminal: list[Any] = []  # stays open for as long as the debugger is used


def debug(begin: Callable[[], None], *_: Any, **__: Any) -> None:
    """Python's debugger at the line that called `breakpoint`, on the terminal of the run, whatever captures its output.

    begin: is called first. Raises OSError where there is no terminal.
    """
    import pdb  # seldom needed

    if not _terminal:
        for mode in ("r", "w"):
            _terminal.append(open(TERMINAL, mode, encoding="utf-8"))  # noqa: SIM115
    begin()
    pdb.Pdb(stdin=_terminal[0], stdout=_terminal[1]).set_trace(sys._getframe(1))


_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class CognitoIdentity:
    """Of an invocation by the mobile SDK; any other has one too, with nothing in it."""

    cognito_identity_id: None = None
    cognito_identity_pool_id: None = None


@dataclass(eq=False)
class LambdaContext:
    """The context that the handler gets: the attributes of Lambda's, and no others that it would notice.

    _deadline: in microseconds since the run began.
    """

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    _deadline: int
    function_version: str = "$LATEST"
    identity: CognitoIdentity = field(default_factory=CognitoIdentity)
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, (self._deadline - TASKS.now) // 1000)

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class LambdaLogging(logging.Filter):
    """The root logger's one handler, as Lambda's runtime sets it up: `logging.basicConfig` changes nothing then."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""

    def install(self) -> None:
        formatter = logging.Formatter(_FORMAT, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(formatter)
        handler.addFilter(self)
        logging.root.handlers = [handler]

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.request_id
        return True


class HandlerNotFound(Exception):
    """The function's handler string names no module or no function. Lambda calls this Runtime.ImportModuleError."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one environment: its variables, the folders of the function's modules (its own first), and its handler.

    covered: whether the run counts which lines are executed.
    """

    variables: dict[str, str]
    folders: tuple[str, ...]
    handler: str
    covered: bool


class FunctionProgram:
    """`serve` ends with the process."""

    def __init__(self, settings: Settings, conversation: Conversation, wire: RemoteWire, clock: VirtualClock) -> None:
        self._settings = settings
        self._root = settings.folders[0]
        self._conversation = conversation
        self._wire = wire
        self._clock = clock
        self._chance = Chance()
        self._logging = LambdaLogging()
        self._coverage = Coverage(self._root) if settings.covered else None
        self._handler: Handler | None = None

    def serve(self) -> None:
        TASKS.turn = self._turn
        self._chance.install()
        self._logging.install()
        sys.breakpointhook = partial(debug, lambda: self._conversation.send({"debugged": True}))
        self._conversation.send({"begun": os.getpid()})
        if self._coverage:
            self._coverage.install()
        while True:
            self._carry_out(self._heard())

    def refuse(self, what: str) -> None:
        """Ends the run with a sentence: this process does not go on."""
        self._conversation.send({"refused": what, "place": self._place(sys._getframe())})
        self._heard()

    def _carry_out(self, order: dict[str, Any]) -> None:
        self._chance.begin(order["chance"])
        TASKS.chance.seed(f"{order['chance']} tasks")
        try:
            if order["order"] == "import":
                self._handler = self._imported()
                end: dict[str, Any] = {"imported": True}
            else:
                end = self._answer(order)
        except Exception as error:
            end = {"failed": self._failure(error)}
        except BaseException as error:  # Lambda's runtime catches no more than Exception
            end = {"exits": exit_of(error, self._root)}
        self._say({"end": end})

    def _answer(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._handler
        context = LambdaContext(**order["context"])
        self._logging.request_id = context.aws_request_id
        answer = self._handler(order["event"], context)
        try:
            return {"answer": json.dumps(answer)}
        except Exception as error:  # the user's own mapping may raise anything
            return {"unwritable": message_of(error)}

    def _imported(self) -> Handler:
        """Raises what the user's module raises, and HandlerNotFound."""
        module_name, _, function = self._settings.handler.rpartition(".")
        name = module_name.replace("/", ".")
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise HandlerNotFound(f"Unable to import module '{module_name}': {error}") from None
        handler = getattr(module, function, None)
        if not callable(handler):
            raise HandlerNotFound(f"Handler '{function}' missing on module '{module_name}'")
        return handler  # type: ignore[no-any-return]

    def _failure(self, error: Exception) -> dict[str, Any]:
        kind = "Runtime.ImportModuleError" if isinstance(error, HandlerNotFound) else type(error).__name__
        own = [each for each in traceback.extract_tb(error.__traceback__) if each.filename != __file__]
        return {
            "type": kind,
            "message": message_of(error),
            "described": describe_error(error, self._root),
            "trace": traceback.format_list(own),
        }

    def _turn(self, wake: int | None) -> int:
        self._say({"wake": wake})
        now: int = self._heard()["now"]
        return now

    def _say(self, message: dict[str, Any]) -> None:
        asks, self._wire.asks = self._wire.asks, []
        if self._coverage and (arcs := self._coverage.news()):
            message["arcs"] = arcs
        self._conversation.send({"asks": asks, **message})

    def _heard(self) -> dict[str, Any]:
        message = self._conversation.receive()
        while message is not None and "where" in message:
            frame = sys._current_frames().get(self._wire.threads.get(message["where"], 0))
            self._conversation.send({"place": self._place(frame)})
            message = self._conversation.receive()
        if message is None:  # the run is over
            os._exit(0)
        self._wire.replies.update((reply[0], Response(*reply)) for reply in message.get("replies", ()))
        TASKS.now = message["now"]
        self._clock.show(TASKS.now)
        return message

    def _place(self, frame: Any) -> str:
        """The innermost line of the function's own code in a stack, as in `app.py:7`; "" where there is none."""
        while frame:
            file = Path(frame.f_code.co_filename)
            if file.is_relative_to(self._root):
                return f"{file.relative_to(self._root)}:{frame.f_lineno}"
            frame = frame.f_back
        return ""
