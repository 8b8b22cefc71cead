"""A before-send hook that hands the requests of one boto3 client to an imitated service."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from harness.platforms.base import Request, Service


class _Body(io.BytesIO):
    """What botocore reads of a reply."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(1 << 16):
            yield chunk


def hook(service_name: str, service: Service) -> Callable[..., AWSResponse]:
    """Register it for `before-send` on the client's events: it answers every attempt, and nothing is sent."""

    def answer(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        body = request.body.encode() if isinstance(request.body, str) else request.body
        reply = service.handle(Request(service_name, operation, request.method, request.url, {}, body))
        return AWSResponse(request.url, reply.status, reply.headers, _Body(reply.body))

    return answer
