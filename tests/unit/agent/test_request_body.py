"""The body of a request, whichever way its sender cut it up."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum

from harness.agent.requests import body_of

BODY = b'{"intent": "todo-1/1"}' * 9


def request(body: Any, **headers: Any) -> AWSPreparedRequest:
    return AWSPreparedRequest("PUT", "https://bucket.s3.amazonaws.com/key", headers, body, False)


@pytest.mark.parametrize("body", [BODY, bytearray(BODY), BODY.decode(), io.BytesIO(BODY)], ids=lambda body: type(body))
def test_a_plain_body_is_what_it_is(body: Any) -> None:
    """Bytes, a text or a stream."""
    assert body_of(request(body)) == BODY
    assert body_of(request(None)) == b""


@pytest.mark.parametrize("size", [7, 1000])
def test_chunks_are_put_together(size: int) -> None:
    """As the SDK's own wrapper cuts them, in one piece or in many; the checksum that follows is no part of it."""
    chunks = AwsChunkedWrapper(io.BytesIO(BODY), checksum_cls=Crc32Checksum, chunk_size=size)
    sent = request(chunks, **{"content-encoding": "aws-chunked"})
    assert body_of(sent) == BODY
    assert body_of(request(chunks, **{"content-encoding": b"gzip,aws-chunked"})) == BODY


def test_a_stream_can_still_be_sent() -> None:
    """Nobody notices that it was looked at."""
    stream = io.BytesIO(b"before" + BODY)
    stream.seek(len("before"))
    assert body_of(request(stream)) == BODY
    assert stream.read() == BODY


class Pipe(io.RawIOBase):
    """Bytes that come once."""

    def __init__(self) -> None:
        self.inner = io.BytesIO(BODY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.inner.readinto(buffer)


@pytest.mark.parametrize("chunked", [False, True])
def test_what_can_be_read_once_is_read_once(chunked: bool) -> None:
    """And sent as it was read."""
    headers = {"content-encoding": "aws-chunked"} if chunked else {}
    sent = request(AwsChunkedWrapper(Pipe()) if chunked else Pipe(), **headers)
    assert [body_of(sent) for _ in range(2)] == [BODY, BODY]
    assert isinstance(sent.body, bytes)
