"""The Lambda Runtime API of one function process, on 127.0.0.1.

Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (version 2018-06-01).
"""

from __future__ import annotations

import json
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread

VERSION = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the function is asked: `payload` is JSON, `deadline` is in Unix milliseconds."""

    request_id: str
    function_arn: str
    trace_id: str
    deadline: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class InvocationReply:
    """The JSON of a response, or of an error."""

    payload: bytes
    is_error: bool


class InitFailed(Exception):
    """The process ended, or said so, before it asked for work. `payload` is the error's JSON."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload


def error(kind: str, message: str) -> bytes:
    """The JSON of an error, as Lambda returns it."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class RuntimeApi:
    """`ready` is done when the process asks for its first invocation; it fails with InitFailed."""

    def __init__(self) -> None:
        self.ready: Future[None] = Future()
        self._waiting: SimpleQueue[Invocation | None] = SimpleQueue()
        self._asked: Invocation | None = None
        self._reply: Future[InvocationReply] = Future()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        """`host:port`, for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_port}"

    def invoke(self, invocation: Invocation) -> Future[InvocationReply]:
        """Hand over one invocation; one at a time."""
        self._asked, self._reply = invocation, Future()
        self._waiting.put(invocation)
        return self._reply

    def take(self) -> Invocation | None:
        """The next invocation, when there is one; None when the process has ended."""
        with suppress(InvalidStateError):
            self.ready.set_result(None)
        return self._waiting.get()

    def finish(self, request_id: str, reply: InvocationReply) -> bool:
        """False when nobody waits for this invocation (any more)."""
        if self._asked is None or self._asked.request_id != request_id:
            return False
        with suppress(InvalidStateError):
            self._reply.set_result(reply)
            return True
        return False

    def fail_init(self, payload: bytes) -> None:
        with suppress(InvalidStateError):
            self.ready.set_exception(InitFailed(payload))

    def process_ended(self, reason: str) -> None:
        """Whoever waits learns at once that the process is gone (`Runtime.ExitError`)."""
        self.fail_init(error("Runtime.ExitError", reason))
        if self._asked is not None:
            message = f"RequestId: {self._asked.request_id} Error: {reason}"
            self.finish(self._asked.request_id, InvocationReply(error("Runtime.ExitError", message), is_error=True))
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request. A subclass per process says whose API it is."""

    api: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: in two, the second waits 40 ms for the first one's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{VERSION}/invocation/next":
            return self._answer(404, error("InvalidPath", self.path))
        invocation = self.api.take()
        if invocation is None:
            self.close_connection = True
            return None
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        return self._answer(200, invocation.payload, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.path.removeprefix(f"{VERSION}/").split("/"):
            case ["init", "error"]:
                self.api.fail_init(body)
                accepted = True
            case ["invocation", request_id, "response"]:
                accepted = self.api.finish(request_id, InvocationReply(body, is_error=False))
            case ["invocation", request_id, "error"]:
                accepted = self.api.finish(request_id, InvocationReply(body, is_error=True))
            case _:
                return self._answer(404, error("InvalidPath", self.path))
        if accepted:
            return self._answer(202, b'{"status": "OK"}')
        return self._answer(400, error("InvalidRequestID", "no such invocation is waiting"))

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """LocalStack's log tells about invocations already."""
