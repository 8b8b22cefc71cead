"""A BatchWriteItem of which only a part is sent: the rest is added to the answer, as AWS itself leaves it (S-23)."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse

from harness.agent.host import Host
from harness.agent.response import Raw
from harness.agent.subject import INTENT, values

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
Tables = dict[str, list[Any]]


def send_part(host: Host, service: str, operation: str, request: Any, position: float) -> AWSResponse:
    """Sends the writes before the position, if there are any, and answers for those from there on."""
    content = json.loads(request.body)
    sent, left = split(content["RequestItems"], position)
    if not sent:
        return _answer(request.url, {"UnprocessedItems": left}, {})
    reply = host.send(service, operation, _again(request, {**content, "RequestItems": sent}))
    if reply.status_code >= 300:
        return reply
    answer = json.loads(reply.content)
    for table, writes in answer.get("UnprocessedItems", {}).items():
        left[table] = [*writes, *left.get(table, [])]
    return _answer(request.url, {**answer, "UnprocessedItems": left}, dict(reply.headers))


def split(tables: Tables, position: float) -> tuple[Tables, Tables]:
    """The writes before the position, and those from there on, which are one at least."""
    writes = [(table, write) for table, requests in tables.items() for write in requests]
    first = min(int(position * len(writes)), len(writes) - 1)
    return _by_table(writes[:first]), _by_table(writes[first:])


def unprocessed(response: AWSResponse) -> list[str]:
    """The intents of what the answer has left."""
    return values(json.loads(response.content).get("UnprocessedItems", {}), INTENT)


def _by_table(writes: list[tuple[str, Any]]) -> Tables:
    tables: Tables = {}
    for table, write in writes:
        tables.setdefault(table, []).append(write)
    return tables


def _again(request: Any, content: dict[str, Any]) -> AWSPreparedRequest:
    """The request with another body, signed anew if it was signed."""
    headers = {name: _text(value) for name, value in request.headers.items()}
    signed = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "authorization")}
    again = AWSRequest(request.method, request.url, kept, json.dumps(content).encode())
    if scope := _SCOPE.search(signed):
        credentials = boto3.DEFAULT_SESSION.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, scope[2], scope[1]).add_auth(again)
    return again.prepare()


def _answer(url: str, content: dict[str, Any], headers: dict[str, str]) -> AWSResponse:
    """Without the checksum and the length of the body that AWS has sent."""
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "x-amz-crc32")}
    kept.setdefault("content-type", "application/x-amz-json-1.0")
    return AWSResponse(url, 200, kept, Raw(json.dumps(content).encode()))


def _text(header: bytes | str) -> str:
    return header.decode() if isinstance(header, bytes) else header
