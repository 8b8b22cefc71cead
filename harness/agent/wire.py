"""The wire: the one `before-send` hook of a process. It records each attempt, asks the nemesis, and sends.

    attempt ─► decide before ─┬─► refuse: the error, nothing sent
                              ├─► lose request, or no connection in time: nothing sent
                              ├─► leave unprocessed: a part is sent, the answer returns the rest
                              └─► send ─► decide after ─┬─► the reply
                                                        └─► lose reply, or no reply in time: the SDK cannot know

botocore calls the hook once for each attempt of its retry code. An AWSResponse that the hook returns is the answer, an
exception that it raises enters the retry code. botocore calls every registered hook: two would apply effects twice.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple, NoReturn

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from harness.agent.actor import Actor, Raw
from harness.agent.batches import left_over, send_part
from harness.agent.requests import Names, Subject, body_of, of_request
from harness.faults.actions import (
    Action,
    CancelTransaction,
    Crash,
    Delay,
    Hang,
    LeaveUnprocessed,
    LoseReply,
    LoseRequest,
    Raise,
    Refuse,
)
from harness.faults.points import AFTER, BEFORE, CANCELED, ERRORS
from harness.history import FAIL, INFO, INVOKE, MICROSECONDS, OK, Value

_ATTEMPT = re.compile(rb"attempt=(\d+)")
_XML_CODE = re.compile(rb"<Code>([\w.]+)</Code>")
_SPEAK_XML = ("s3.", "sns.")


class Timeouts(NamedTuple):
    """After how many seconds a client gives up: botocore's defaults, unless its Config says otherwise. None: never."""

    connect: float | None = 60
    read: float | None = 60


class GivenUp(Exception):
    """Raised in an attempt whose client waits no more, where the client has timers of its own."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """value: of its operations in the history."""

    call: str
    subject: Subject
    number: int
    value: Value
    request: Any


BOTOCORES = Timeouts()
_timeouts: ContextVar[Timeouts] = ContextVar("timeouts", default=BOTOCORES)


def note_timeouts(request: Any, **_: Any) -> None:
    """A botocore `request-created` handler: `before-send`, which comes right behind it, is not told the client."""
    config = request.context["client_config"]
    read = request.context.get("read_timeout")  # of one call alone, in newer versions
    _timeouts.set(Timeouts(config.connect_timeout, config.read_timeout if read is None else read))


def current_timeouts() -> Timeouts:
    """Those of the client whose request is sent now."""
    return _timeouts.get()


class Wire:
    """A botocore `before-send` handler. `sinks`: names of tables, queues, buckets and topics, and URLs of endpoints.

    `names`: attributes by which a scenario names intents and items, beside those that every writer uses.
    """

    def __init__(self, actor: Actor, sinks: frozenset[str] = frozenset(), names: Names = ((), ())) -> None:
        self._actor = actor
        self.sinks = sinks
        self.names = names
        self._calls: dict[bytes, int] = {}

    def __call__(self, event_name: str, request: Any, **more: Any) -> AWSResponse:
        service_id, operation = event_name.split(".")[1:]
        return self.exchange(service_id.replace("-", ""), operation, request, current_timeouts())

    def exchange(self, service: str, operation: str, request: Any, timeouts: Timeouts) -> AWSResponse:
        """One attempt. For a plain HTTP request, `service` is `http` and `operation` its method."""
        if not self._actor.observed():
            return self._actor.send(service, operation, request)
        among = self._actor.process.subject.intents
        subject = of_request(service, operation, request.url, body_of(request), self.sinks, self.names, among)
        call = f"{service}.{operation}"
        number = self._number(request)
        value: Value = {
            "call": self._call(request, number),
            "attempt": number,
            "table": subject.target,
            "items": list(subject.items),
            "intents": list(subject.intents),
            "effect": subject.effect,
        }
        attempt = _Attempt(call, subject, number, value, request)
        self._actor.record(INVOKE, call, value)
        try:
            return self._carry_out(attempt, timeouts)
        except GivenUp:
            self._actor.record(INFO, call, value, "no reply in the time that the client gives it")
            raise

    def _carry_out(self, attempt: _Attempt, timeouts: Timeouts) -> AWSResponse:
        before = self._before(attempt, timeouts.connect)
        if isinstance(before, AWSResponse):
            return before
        sent = self._actor.time()
        if before is None:
            service, _, operation = attempt.call.partition(".")
            response = self._actor.send(service, operation, attempt.request)
        else:
            response = send_part(self._actor, attempt.call, attempt.request, before.position)
        self._after(attempt, sent, timeouts.read)
        self._record(attempt, response)
        return response

    def _before(self, attempt: _Attempt, connect: float | None) -> AWSResponse | LeaveUnprocessed | None:
        """The answer if nothing is sent, else the action that leaves a part of the request unprocessed, if any.

        connect: the seconds after which the SDK gives up connecting.
        """
        partial: LeaveUnprocessed | None = None
        began, url = self._actor.time(), attempt.request.url
        for action in self._decide(attempt, BEFORE):
            match action:
                case Refuse() | CancelTransaction():
                    response = _refusal(attempt, action)
                    self._record(attempt, response)
                    return response
                case LoseRequest():
                    self._give_up(attempt, "the connection was closed", ConnectionClosedError(endpoint_url=url))
                case Delay(seconds):
                    if not self._waits(seconds, began, connect):
                        why = f"no connection within the {connect:g} s of connect_timeout"
                        self._give_up(attempt, why, ConnectTimeoutError(endpoint_url=url))
                case LeaveUnprocessed():
                    partial = partial or action
                case _:
                    apply((action,), self._actor)
        return partial

    def _after(self, attempt: _Attempt, sent: int, read: float | None) -> None:
        """The request was carried out. sent: when it was sent. read: the seconds after which the SDK gives up."""
        late = f"no reply within the {read:g} s of read_timeout" if read is not None else ""
        timeout = ReadTimeoutError(endpoint_url=attempt.request.url)
        for action in self._decide(attempt, AFTER):
            match action:
                case LoseReply():
                    self._give_up(attempt, "no reply arrived", timeout)
                case Delay(seconds):
                    if not self._waits(seconds, sent, read):
                        self._give_up(attempt, late, timeout)
                case _:
                    apply((action,), self._actor)
        if self._left(sent, read) < 0:
            self._give_up(attempt, late, timeout)

    def _decide(self, attempt: _Attempt, when: str) -> tuple[Action, ...]:
        return self._actor.decide(attempt.call, when, attempt.subject, attempt.number)

    def _waits(self, seconds: float, since: int, timeout: float | None) -> bool:
        """Waits so long, or only until the timeout has passed: False."""
        left = self._left(since, timeout)
        self._actor.sleep(max(0.0, min(seconds, left)))
        return seconds <= left

    def _left(self, since: int, timeout: float | None) -> float:
        """Seconds until the timeout."""
        return inf if timeout is None else timeout - (self._actor.time() - since) / MICROSECONDS

    def _give_up(self, attempt: _Attempt, why: str, error: Exception) -> NoReturn:
        self._actor.record(INFO, attempt.call, attempt.value, why)
        raise error

    def _record(self, attempt: _Attempt, response: AWSResponse) -> None:
        call, value = attempt.call, attempt.value
        if response.status_code < 300:
            left = self._unprocessed(attempt, response)
            self._actor.record(OK, call, {**value, "unprocessed": left} if left else value)
        else:  # a 5xx does not say whether the request was carried out (S-07)
            type = INFO if response.status_code >= 500 else FAIL
            self._actor.record(type, call, value, _error_code(response))

    def _unprocessed(self, attempt: _Attempt, response: AWSResponse) -> list[str]:
        """The intents of the entries that a batch call has left, although it succeeded (S-23)."""
        body = left_over(attempt.call, attempt.request, response)
        if body is None:
            return []
        service, _, operation = attempt.call.partition(".")
        among = attempt.subject.intents
        return list(of_request(service, operation, attempt.request.url, body, self.sinks, self.names, among).intents)

    def _number(self, request: Any) -> int:
        attempt = _ATTEMPT.search(_bytes(request.headers.get("amz-sdk-request", b"")))
        return int(attempt[1]) if attempt else 1

    def _call(self, request: Any, attempt: int) -> int:
        """The number of the API call within its process: the attempts of one call share it."""
        invocation = _bytes(request.headers.get("amz-sdk-invocation-id", b""))
        if attempt == 1 or invocation not in self._calls:
            self._calls[invocation] = self._actor.next_call()
        return self._calls[invocation]


def network() -> URLLib3Session:
    """Connections as botocore makes them: small packets are sent at once (TCP_NODELAY)."""
    return URLLib3Session(socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])


def _refusal(attempt: _Attempt, action: Refuse | CancelTransaction) -> AWSResponse:
    if isinstance(action, CancelTransaction):
        return _cancellation(attempt.request, action)
    return _error(attempt.request.url, action, attempt.call)


def _error(url: str, refuse: Refuse, call: str) -> AWSResponse:
    if call.startswith(_SPEAK_XML):
        error = f"<Error><Code>{refuse.code}</Code><Message>{refuse.message}</Message></Error>"
        document = error if call.startswith("s3.") else f"<ErrorResponse>{error}</ErrorResponse>"
        return AWSResponse(url, refuse.status, {"content-type": "text/xml"}, Raw(document.encode()))
    return _json_error(url, refuse.status, refuse.code, {"message": refuse.message})


def _cancellation(request: Any, cancel: CancelTransaction) -> AWSResponse:
    """A reason for each operation, in their order: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""
    content = json.loads(_bytes(request.body))
    operations = content.get("TransactItems") or content.get("TransactStatements") or [{}]
    reasons: list[dict[str, str]] = [{"Code": "None"} for _ in operations]
    reasons[min(cancel.operation, len(reasons) - 1)] = {"Code": cancel.code, "Message": cancel.message}
    codes = ", ".join(reason["Code"] for reason in reasons)
    status, message = ERRORS[CANCELED]
    content = {"Message": f"{message} [{codes}]", "CancellationReasons": reasons}
    return _json_error(request.url, status, CANCELED, content)


def _json_error(url: str, status: int, code: str, content: dict[str, Any]) -> AWSResponse:
    body = json.dumps({"__type": code, **content})
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amzn-errortype": code,
        "x-amzn-requestid": "refused-by-harness",
    }
    return AWSResponse(url, status, headers, Raw(body.encode()))


def _error_code(response: AWSResponse) -> str:
    """The error's name. AWSResponse keeps the content, so that botocore can still read it."""
    try:
        body = json.loads(response.content)
    except ValueError:
        code = _XML_CODE.search(response.content)
        return code[1].decode() if code else f"HTTP {response.status_code}"
    kind = str(body.get("__type", "")) or str(response.headers.get("x-amzn-errortype", ""))
    return kind.rpartition("#")[2] or f"HTTP {response.status_code}"


def _bytes(header: bytes | str) -> bytes:
    return header if isinstance(header, bytes) else header.encode()


class InjectedError(Exception):
    """Raised by the handler when a `function_error` fires."""


def apply(actions: Iterable[Action], actor: Actor) -> None:
    """Applies actions in order, inside a process; an action of another kind is a bug of the harness."""
    for action in actions:
        match action:
            case Delay(seconds):
                actor.sleep(seconds)
            case Crash():
                actor.crash()
            case Hang():
                actor.hang()
            case Raise(message):
                raise InjectedError(message)
            case _:
                raise TypeError(f"{action} cannot be applied inside a process")
