"""The body of a request as its sender meant it, without the chunks that S3's client cuts it into."""

from __future__ import annotations

import io
from typing import Any

CHUNKED = "aws-chunked"


def is_chunked(request: Any) -> bool:
    encoding = request.headers.get("content-encoding", "")
    return CHUNKED in (encoding.decode() if isinstance(encoding, bytes) else encoding)


def body_of(request: Any) -> bytes:
    """Leaves a body that is read from a stream as if nobody had looked at it."""
    body = request.body or b""
    if isinstance(body, str):
        return body.encode()
    content = bytes(body) if isinstance(body, bytes | bytearray) else _read(request, body)
    return without_chunks(content) if is_chunked(request) else content


def _read(request: Any, stream: Any) -> bytes:
    """Back to where it was; a stream that cannot go back is sent as what was read."""
    try:
        began = stream.tell() if hasattr(stream, "tell") else 0
    except OSError:
        began = 0
    content: bytes = stream.read()
    try:
        stream.seek(began)
    except (AttributeError, OSError):
        request.body = content
    return content


def without_chunks(content: bytes) -> bytes:
    """`SIZE in hexadecimal [; extension] CRLF DATA CRLF`, again and again; size 0 ends it, and trailers follow."""
    encoded, whole = io.BytesIO(content), b""
    while size := int(encoded.readline().partition(b";")[0], 16):
        whole += encoded.read(size)
        encoded.readline()
    return whole
