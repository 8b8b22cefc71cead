"""The body of a request, whichever way its sender cut it up."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum

from harness.agent.body import body_of

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
    stream = io.BytesIO(BODY)
    body_of(request(stream))
    assert stream.read() == BODY
