"""HTTP endpoints, the outside world of a function: each request that is applied is an effect.

An endpoint that honours `Idempotency-Key` answers a repeated key as it did the first time, and does not apply the
request again (P-15). It keeps every key as long as the run lasts; a real endpoint may forget keys earlier.

`serving` makes them a real server on 127.0.0.1, for functions that run in a process of their own.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from harness.pipeline.stack import Endpoint
from harness.platforms.base import Reply, Request

APPLIES = ("POST", "PUT", "PATCH")
JSON = {"content-type": "application/json"}


class Endpoints:
    """`applied`: the requests that were applied, in order: the endpoint's variable and the body."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = {endpoint.variable: endpoint for endpoint in endpoints}
        self._answers: dict[tuple[str, str], tuple[bytes, Reply]] = {}
        self._lock = threading.Lock()
        self.applied: list[tuple[str, bytes]] = []

    def handle(self, request: Request) -> Reply:
        """Answers one request at a time, as if the endpoint kept its keys and its effects in one transaction."""
        endpoint = self._endpoints.get(urlsplit(request.url).path.split("/")[1])
        if endpoint is None:
            return _reply(404, "no such endpoint")
        if request.operation not in APPLIES:
            return _reply(405, f"takes {', '.join(APPLIES)}")
        keys = [value for name, value in request.headers.items() if name.lower() == "idempotency-key"]
        with self._lock:
            if not keys or not endpoint.honours_key:
                return self._apply(endpoint, request)
            key = (endpoint.variable, keys[0])
            if key not in self._answers:
                self._answers[key] = (request.body, self._apply(endpoint, request))
            body, answer = self._answers[key]
            return answer if body == request.body else _reply(422, "the key was used for another request")

    def _apply(self, endpoint: Endpoint, request: Request) -> Reply:
        self.applied.append((endpoint.variable, request.body))
        return _reply(200, "done")


def _reply(status: int, message: str) -> Reply:
    return Reply(status, json.dumps({"message": message}).encode(), JSON)


@contextlib.contextmanager
def serving(endpoints: Endpoints) -> Iterator[str]:
    """Yields the address of the server, which runs as long as the context lasts."""

    class EndpointHandler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = endpoints.handle(Request("http", self.command, self.command, self.path, dict(self.headers), body))
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *arguments: object) -> None:
            """No log: the history has every effect."""

    with ThreadingHTTPServer(("127.0.0.1", 0), EndpointHandler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
