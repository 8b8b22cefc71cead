"""One process of a function, started by the fork server: asked, killed, and its end noticed at once.

It is asked by the Lambda Runtime API, on 127.0.0.1.
Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (version 2018-06-01).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

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


SERVER = Path(__file__).with_name("fork_server.py")
PACKAGES = "HARNESS_FUNCTION_PACKAGES"  # names the folder that stands for /var/runtime
# What Python itself reads. On Lambda the code's folder can't be written.
PYTHON_VARIABLES = {"PYTHONPATH": os.environ.get(PACKAGES, ""), "PYTHONDONTWRITEBYTECODE": "1"}
# What both the server and its copies get of LocalStack's own, unless a function says otherwise.
_HANDED_ON = ("HARNESS_HOST_RUNTIME", "LD_LIBRARY_PATH")
INHERITED = {"LANG": "en_US.UTF-8", **{name: os.environ[name] for name in _HANDED_ON if name in os.environ}}


class ForkClient:
    """Has functions' processes started by a fork server, which it starts at once, and anew if that was killed."""

    def __init__(self) -> None:
        self._lock = Lock()
        # The kernel's "kill when the parent dies" means the thread that forked: this one lives as long as LocalStack.
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fork-client")
        self._channel = self._serve()

    def start(self, order: Mapping[str, Any], log: Path) -> socket.socket:
        """A socket to the new process: its exit status comes on it, and closing it ends the process."""
        from . import copies  # type: ignore[attr-defined]  # it is laid beside this file when the plugin is installed

        line, its_end = socket.socketpair()
        with self._lock, its_end, log.open("ab") as output:
            descriptors = [output.fileno(), its_end.fileno()]
            try:
                copies.start(self._channel, order, descriptors)
            except OSError:
                self._channel = self._serve()
                copies.start(self._channel, order, descriptors)
        return line

    def _serve(self) -> socket.socket:
        channel, its_end = socket.socketpair()
        with its_end:
            self._threads.submit(self._start_server, its_end.fileno()).result()
        return channel

    def _start_server(self, channel: int) -> None:
        # -S: as on Lambda, a function sees its own folder and the runtime's, and no other installed package.
        python = sys._base_executable  # type: ignore[attr-defined]
        subprocess.Popen(
            [python, "-S", "-u", str(SERVER), str(os.getpid()), str(channel)],
            env={**INHERITED, **PYTHON_VARIABLES},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[channel],
        )


@cache
def fork_client() -> ForkClient:
    """The one of this process: all functions share a fork server."""
    return ForkClient()


class FunctionProcess:
    """`log` grows while it runs. The process leads its own group, so that what it starts ends with it.

    handler: for Lambda's Python runtime. command: the function's own runtime, in its place.
    """

    def __init__(
        self, handler: str, command: Sequence[str], code: Path, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.api = RuntimeApi()
        variables = {**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address}
        order = {"handler": handler, "command": command, "code": str(code), "variables": variables}
        self._line = fork_client().start(order, log)
        self.alive = True
        self._end = Thread(target=self._wait, daemon=True)
        self._end.start()

    def kill(self) -> None:
        """End the process and all that it started. Returns when the process is gone."""
        if self.alive:
            self._line.shutdown(socket.SHUT_WR)
        self._end.join()

    def _wait(self) -> None:
        # Nothing comes when the fork server was killed, and its copies with it.
        status = int(self._line.recv(16) or -signal.SIGKILL)
        self.alive = False  # first of all: who learns of the end may ask for the next process at once
        self._line.close()
        self.api.process_ended(exit_reason(status))


def exit_reason(status: int) -> str:
    """As Lambda words it: by signal, by exit status, or without either."""
    if status < 0:
        name = signal.strsignal(-status) or f"signal {-status}"
        return f"Runtime exited with error: signal: {name.lower()}"
    if status:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"
