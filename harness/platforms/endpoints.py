"""The outside world of a function: HTTP endpoints, and services that only take what is sent. Each request is an effect.

An endpoint that honours `Idempotency-Key` answers a repeated key as it did the first time, and does not apply the
request again (P-15). It keeps every key as long as the run lasts; a real endpoint may forget keys earlier.

`serving` makes them a real server on 127.0.0.1, for functions that run in a process of their own.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.history import MICROSECONDS
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


_BOTOCORES = {"cloudwatchlogs": "logs", "eventbridge": "events", "sfn": "stepfunctions"}  # where it has another name
_SENDING = ("Publish", "Put", "Record", "Send", "Start", "Submit")
_JSON = ("json", "rest-json")
_EXECUTION = "StartExecution"
_LISTS = ("Entries", "Records", "logEvents")  # what one request sends: as many effects, however they are batched
_DEEPEST = 3  # structures in an answer


class Accepting:
    """Accepts what is sent to a service that is not imitated: a bus, a state machine, mail, metrics.

    Each request is an effect, with its body, in `applied`. Nothing is kept but tokens: a request whose token came
    before is answered as it was then. A name is the token of a state machine's execution, as long as the first runs:
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html.
    The answer has the shape of botocore's model and says nothing.
    """

    def __init__(self, service: str, seed: Seed, now: Callable[[], int], applied: list[tuple[str, bytes]]) -> None:
        import botocore.session
        from botocore.exceptions import UnknownServiceError

        self._seed = seed
        self._now = now
        self._applied = applied
        self._answers: dict[str, tuple[Any, Reply]] = {}  # by the token, with the request
        try:
            self._model = botocore.session.get_session().get_service_model(_BOTOCORES.get(service, service))
        except UnknownServiceError:
            raise NotImitated(f"{service} is not imitated by the embedded platform") from None

    def handle(self, request: Request) -> Reply:
        protocol = self._model.protocol
        if not request.operation.startswith(_SENDING) or protocol not in (*_JSON, "query", "smithy-rpc-v2-cbor"):
            what = "what only sends is accepted by `try`, and its answer says nothing"
            raise NotImitated(f"{request.service}.{request.operation} is not imitated by the embedded platform: {what}")
        operation = self._model.operation_model(request.operation)
        token = self._token(operation, request)
        if token in self._answers:
            content, answer = self._answers[token]
            refused = request.operation == _EXECUTION and content != json.loads(request.body)
            return Reply.error("ExecutionAlreadyExists", "Execution Already Exists") if refused else answer
        self._applied += [(f"{request.service}.{request.operation}", body) for body in self._bodies(request)]
        answer = self._answer(operation, protocol)
        if token:
            self._answers[token] = (json.loads(request.body), answer)
        return answer

    def _bodies(self, request: Request) -> list[bytes]:
        """The request, as if each of what it sends were sent alone."""
        content = json.loads(request.body or b"{}") if self._model.protocol in _JSON else {}
        name = next((name for name in _LISTS if isinstance(content.get(name), list)), "")
        return [json.dumps({**content, name: [each]}).encode() for each in content[name]] if name else [request.body]

    def _token(self, operation: Any, request: Request) -> str:
        """By which the service knows a request again, or ""."""
        if self._model.protocol not in _JSON or not operation.input_shape:
            return ""
        content, members = json.loads(request.body or b"{}"), operation.input_shape.members
        if request.operation == _EXECUTION:
            return f"{content.get('stateMachineArn')} {content['name']}" if "name" in content else ""
        tokens = [name for name, shape in members.items() if shape.metadata.get("idempotencyToken") and name in content]
        return f"{request.operation} {content[tokens[0]]}" if tokens else ""

    def _answer(self, operation: Any, protocol: str) -> Reply:
        shape = operation.output_shape
        content = self._value(shape, 0) if shape else {}
        if protocol in _JSON:
            return Reply.of(content)
        if protocol == "query":
            fields = "".join(f"<{name}>{value}</{name}>" for name, value in content.items() if isinstance(value, str))
            name = operation.name
            document = f"<{name}Response><{name}Result>{fields}</{name}Result></{name}Response>"
            return Reply(200, document.encode(), {"content-type": "text/xml"})
        if content:
            raise NotImitated(f"an answer of {operation.service_model.service_name} in CBOR is not imitated")
        return Reply(200, b"\xa0", {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})

    def _value(self, shape: Any, depth: int) -> Any:
        match shape.type_name:
            case "structure" if depth < _DEEPEST:
                members = ((shape.members[name], name) for name in shape.members)
                return {inner.serialization.get("name", name): self._value(inner, depth + 1) for inner, name in members}
            case "string":
                return f"{self._seed.between(0, 16**12, 'accepted', len(self._applied), shape.name):012x}"
            case "timestamp":
                return self._now() // MICROSECONDS
            case "list":
                return []
            case "boolean":
                return False
            case "integer" | "long" | "float" | "double":
                return 0
        return {}


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
