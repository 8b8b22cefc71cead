"""The contract of an imitated AWS service: one method that answers one request of the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

CONTENT_TYPE = "application/x-amz-json-1.0"


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt of one AWS call, or one HTTP request.

    body: what botocore serialised; for JSON protocols it is a JSON object.
    """

    service: str  # botocore's name: dynamodb, dynamodbstreams, kinesis, lambda, s3, sns, sqs; or http
    operation: str  # as in the API: PutItem; or a method: POST
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, ready for botocore to parse."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": CONTENT_TYPE})

    @staticmethod
    def of(body: dict[str, Any]) -> Reply:
        return Reply(200, json.dumps(body).encode())

    @staticmethod
    def error(code: str, message: str, status: int = 400, **more: Any) -> Reply:
        """An error as the JSON protocols of AWS write it."""
        body = {"__type": code, "message": message, **more}
        headers = {"content-type": CONTENT_TYPE, "x-amzn-errortype": code}
        return Reply(status, json.dumps(body).encode(), headers)


class Service(Protocol):
    """Carries out a request at this moment of virtual time. Raises NotImitated, naming the call."""

    def handle(self, request: Request) -> Reply: ...
