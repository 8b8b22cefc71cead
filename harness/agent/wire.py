"""The wire: the one `before-send` hook of a process. It records each attempt, asks the nemesis, and sends.

    attempt ─► decide before ─┬─► refuse: the error, nothing sent
                              ├─► lose request: the connection breaks, nothing sent
                              ├─► leave unprocessed: a part is sent, the answer returns the rest
                              └─► send ─► decide after ─┬─► the reply
                                                        └─► lose reply: the SDK cannot know

botocore calls the hook once for each attempt of its retry code. An AWSResponse that the hook returns is the answer, an
exception that it raises enters the retry code. botocore calls every registered hook: two would apply effects twice.
"""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from harness.agent.actor import Actor
from harness.agent.requests import INTENT, Names, Subject, body_of, of_request, values
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
from harness.faults.points import AFTER, BATCH_WRITE, BEFORE
from harness.history import FAIL, INFO, INVOKE, OK, Value

_ATTEMPT = re.compile(rb"attempt=(\d+)")
_XML_CODE = re.compile(rb"<Code>([\w.]+)</Code>")
_SPEAK_XML = ("s3.", "sns.")
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
Tables = dict[str, list[Any]]  # the writes of a BatchWriteItem


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
        return self.exchange(service_id.replace("-", ""), operation, request)

    def exchange(self, service: str, operation: str, request: Any) -> AWSResponse:
        """One attempt. For a plain HTTP request, `service` is `http` and `operation` its method."""
        if not self._actor.observed():
            return self._actor.send(service, operation, request)
        subject = of_request(service, operation, request.url, body_of(request), self.sinks, self.names)
        call = f"{service}.{operation}"
        attempt = self._attempt(request)
        value: Value = {
            "call": self._call(request, attempt),
            "attempt": attempt,
            "table": subject.target,
            "items": list(subject.items),
            "intents": list(subject.intents),
            "effect": subject.effect,
        }
        self._actor.record(INVOKE, call, value)
        before = self._before(call, subject, attempt, value, request)
        if isinstance(before, AWSResponse):
            return before
        if before is None:
            response = self._actor.send(service, operation, request)
        else:
            response = send_part(self._actor, service, operation, request, before.position)
        self._after(call, subject, attempt, value, request)
        self._record(call, value, response)
        return response

    def _before(
        self, call: str, subject: Subject, attempt: int, value: Value, request: Any
    ) -> AWSResponse | LeaveUnprocessed | None:
        """The answer if nothing is sent, else the action that leaves a part of the request unprocessed, if any."""
        partial: LeaveUnprocessed | None = None
        for action in self._actor.decide(call, BEFORE, subject, attempt):
            match action:
                case Refuse():
                    response = _refusal(request.url, action, call)
                    self._record(call, value, response)
                    return response
                case CancelTransaction():
                    response = _cancellation(request, action)
                    self._record(call, value, response)
                    return response
                case LoseRequest():
                    self._actor.record(INFO, call, value, "the connection was closed")
                    raise ConnectionClosedError(endpoint_url=request.url)
                case LeaveUnprocessed():
                    partial = partial or action
                case _:
                    apply((action,), self._actor)
        return partial

    def _after(self, call: str, subject: Subject, attempt: int, value: Value, request: Any) -> None:
        actions: tuple[Action, ...] = self._actor.decide(call, AFTER, subject, attempt)
        for action in actions:
            if isinstance(action, LoseReply):
                self._actor.record(INFO, call, value, "no reply arrived")
                raise ReadTimeoutError(endpoint_url=request.url)
            apply((action,), self._actor)

    def _record(self, call: str, value: Value, response: AWSResponse) -> None:
        if response.status_code < 300:
            intents = unprocessed(response) if call == BATCH_WRITE else []
            self._actor.record(OK, call, {**value, "unprocessed": intents} if intents else value)
        else:  # a 5xx does not say whether the request was carried out (S-07)
            type = INFO if response.status_code >= 500 else FAIL
            self._actor.record(type, call, value, _error_code(response))

    def _attempt(self, request: Any) -> int:
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


def _refusal(url: str, refuse: Refuse, call: str) -> AWSResponse:
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
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    content = {"Message": message, "CancellationReasons": reasons}
    return _json_error(request.url, 400, "TransactionCanceledException", content)


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


class Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def send_part(actor: Actor, service: str, operation: str, request: Any, position: float) -> AWSResponse:
    """Sends the writes before the position, if any; the answer names those from there on as unprocessed."""
    content = json.loads(request.body)
    sent, rest = split(content["RequestItems"], position)
    if not sent:
        return _answer(request.url, {"UnprocessedItems": rest}, {})
    reply = actor.send(service, operation, _with_body(request, {**content, "RequestItems": sent}))
    if reply.status_code >= 300:
        return reply
    answer = json.loads(reply.content)
    for table, writes in answer.get("UnprocessedItems", {}).items():
        rest[table] = [*writes, *rest.get(table, [])]
    return _answer(request.url, {**answer, "UnprocessedItems": rest}, dict(reply.headers))


def split(tables: Tables, position: float) -> tuple[Tables, Tables]:
    """The writes before the position, and those from there on: at least the last one."""
    writes = [(table, write) for table, requests in tables.items() for write in requests]
    first = min(int(position * len(writes)), len(writes) - 1)
    return _by_table(writes[:first]), _by_table(writes[first:])


def unprocessed(response: AWSResponse) -> list[str]:
    """The intents of the items that the answer names as unprocessed."""
    return values(json.loads(response.content).get("UnprocessedItems", {}), INTENT)


def _by_table(writes: list[tuple[str, Any]]) -> Tables:
    tables: Tables = {}
    for table, write in writes:
        tables.setdefault(table, []).append(write)
    return tables


def _with_body(request: Any, content: dict[str, Any]) -> AWSPreparedRequest:
    """The request with another body, signed again if it was signed."""
    headers = {name: _text(value) for name, value in request.headers.items()}
    authorization = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "authorization")}
    changed = AWSRequest(request.method, request.url, kept, json.dumps(content).encode())
    if scope := _SCOPE.search(authorization):
        credentials = boto3.DEFAULT_SESSION.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, scope[2], scope[1]).add_auth(changed)
    return changed.prepare()


def _answer(url: str, content: dict[str, Any], headers: dict[str, str]) -> AWSResponse:
    """An answer with this content, and without the headers that describe the body that AWS sent."""
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "x-amz-crc32")}
    kept.setdefault("content-type", "application/x-amz-json-1.0")
    return AWSResponse(url, 200, kept, Raw(json.dumps(content).encode()))


def _text(header: bytes | str) -> str:
    return header.decode() if isinstance(header, bytes) else header
