"""HTTP requests to the harness's endpoints go over the wire like AWS calls, so that faults reach them.

A connection that http.client, urllib or urllib3 opens to an endpoint is a Line. It collects the request, and makes one
exchange on the wire when the reply is read. Other connections are unchanged.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from http.client import parse_headers
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.exceptions import ConnectTimeoutError, HTTPClientError, ReadTimeoutError

from harness.agent.requests import without_chunks
from harness.agent.wire import Timeouts, Wire

HTTP = "http"
# The modules whose create_connection makes connections: of http.client, and of urllib3, which requests uses.
_CONNECTING = ("socket", "urllib3.util.connection")
_carrying: ContextVar[bool] = ContextVar("carrying", default=False)


@contextlib.contextmanager
def lines(wire: Wire, urls: Iterable[str]) -> Iterator[None]:
    """A context in which connections to these URLs are Lines; without a URL it changes nothing."""
    addresses = {(parts.hostname, parts.port or 80) for parts in map(urlsplit, urls)}
    originals = [
        (sys.modules[name], sys.modules[name].create_connection)
        for name in _CONNECTING
        if addresses and name in sys.modules
    ]

    def replacement(original: Callable[..., Any]) -> Callable[..., Any]:
        def create_connection(address: tuple[str, int], *arguments: Any, **named: Any) -> Any:
            # The wire itself sends its request over a real connection.
            if tuple(address) in addresses and not _carrying.get():
                timeout = arguments[0] if arguments else named.get("timeout")
                return Line(wire, address, timeout if isinstance(timeout, int | float) else None)
            return original(address, *arguments, **named)

        return create_connection

    for module, original in originals:
        module.create_connection = replacement(original)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module, original in originals:
            module.create_connection = original  # type: ignore[attr-defined]


class Line:
    """Imitates a socket for an HTTP client. `timeout` is in seconds: a later reply raises TimeoutError."""

    def __init__(self, wire: Wire, address: tuple[str, int], timeout: float | None) -> None:
        self._wire = wire
        self._address = address
        self._timeout = timeout
        self._sent = b""

    def sendall(self, data: bytes) -> None:
        self._sent += data

    def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
        """The reply to the request that was sent."""
        sent, self._sent = self._sent, b""
        return io.BytesIO(self._exchange(sent))

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def setsockopt(self, *_: Any) -> None: ...

    def close(self) -> None: ...

    def _exchange(self, sent: bytes) -> bytes:
        content = io.BytesIO(sent)
        method, path, _ = content.readline().decode("latin-1").split(" ", 2)
        headers = parse_headers(content)
        body = content.read()
        if "chunked" in headers.get("transfer-encoding", ""):
            body = without_chunks(body)
        url = path if "://" in path else "http://{}:{}{}".format(*self._address, path).replace(":80/", "/", 1)
        request = AWSPreparedRequest(method, url, HeadersDict(headers.items()), body, False)
        token = _carrying.set(True)
        try:
            reply = self._wire.exchange(HTTP, method, request, Timeouts(self._timeout, self._timeout))
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise TimeoutError("timed out") from error
        except HTTPClientError as error:
            raise ConnectionResetError(str(error)) from error
        finally:
            _carrying.reset(token)
        lines = [f"HTTP/1.1 {reply.status_code} {_reason(reply.status_code)}"]
        replaced = {"connection", "content-length", "transfer-encoding"}
        lines += [f"{name}: {value}" for name, value in reply.headers.items() if name.lower() not in replaced]
        lines += [f"Content-Length: {len(reply.content)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1") + bytes(reply.content)


def _reason(status: int) -> str:
    return "OK" if status < 300 else "Error"
