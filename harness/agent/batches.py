"""Batch calls, of which AWS may carry out a part: the entries of a request, and what an answer says was left (S-23).

request ─► its entries ─┬─► those before the position are sent
                        └─► the others are left ─► named in the answer, as AWS names what it has left
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse

from harness.agent.actor import Actor, Raw
from harness.agent.requests import body_of

Entry = Any
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_CODE, _MESSAGE = "InternalError", "The request processing has failed because of an unknown error."
_THROTTLED = "ProvisionedThroughputExceededException"
_MEMBER = "PublishBatchRequestEntries.member."
_NOTHING_PUBLISHED = b"<PublishBatchResponse><PublishBatchResult/></PublishBatchResponse>"


class BatchCall(Protocol):
    """How one call spells its entries. `answer` is the content of AWS's answer to the entries that were sent."""

    CONTENT_TYPE: str
    NOTHING_SENT: bytes  # the answer to no entries at all

    def entries(self, body: bytes) -> list[Entry]: ...

    def with_entries(self, body: bytes, entries: list[Entry]) -> bytes:
        """The request with these entries alone."""
        ...

    def left(self, entries: list[Entry], answer: bytes) -> list[Entry]:
        """Those of the entries that were not carried out."""
        ...

    def and_left(self, answer: bytes, entries: list[Entry]) -> bytes:
        """The answer, which says that these entries too were not carried out."""
        ...


class _Json:
    CONTENT_TYPE = "application/x-amz-json-1.0"
    NOTHING_SENT = b"{}"


class _Writes(_Json):
    """BatchWriteItem. An entry is a table with a write."""

    def entries(self, body: bytes) -> list[Entry]:
        return _writes(json.loads(body)["RequestItems"])

    def with_entries(self, body: bytes, entries: list[Entry]) -> bytes:
        return json.dumps({**json.loads(body), "RequestItems": _by_table(entries)}).encode()

    def left(self, entries: list[Entry], answer: bytes) -> list[Entry]:
        return _writes(json.loads(answer).get("UnprocessedItems", {}))

    def and_left(self, answer: bytes, entries: list[Entry]) -> bytes:
        left = [*self.left([], answer), *entries]
        return json.dumps({**json.loads(answer), "UnprocessedItems": _by_table(left)}).encode()


class _Messages(_Json):
    """SendMessageBatch. The answer names entries by their Id."""

    def entries(self, body: bytes) -> list[Entry]:
        return list(json.loads(body)["Entries"])

    def with_entries(self, body: bytes, entries: list[Entry]) -> bytes:
        return json.dumps({**json.loads(body), "Entries": entries}).encode()

    def left(self, entries: list[Entry], answer: bytes) -> list[Entry]:
        failed = {failure["Id"] for failure in json.loads(answer).get("Failed", ())}
        return [entry for entry in entries if entry["Id"] in failed]

    def and_left(self, answer: bytes, entries: list[Entry]) -> bytes:
        content = json.loads(answer)
        why = {"SenderFault": False, "Code": _CODE, "Message": _MESSAGE}
        failed = [*content.get("Failed", ()), *({"Id": entry["Id"], **why} for entry in entries)]
        return json.dumps({"Successful": [], **content, "Failed": failed}).encode()


class _Records(_Json):
    """PutRecords. The answer has a result for each entry, in their order."""

    CONTENT_TYPE = "application/x-amz-json-1.1"

    def entries(self, body: bytes) -> list[Entry]:
        return list(json.loads(body)["Records"])

    def with_entries(self, body: bytes, entries: list[Entry]) -> bytes:
        return json.dumps({**json.loads(body), "Records": entries}).encode()

    def left(self, entries: list[Entry], answer: bytes) -> list[Entry]:
        results = json.loads(answer)["Records"]
        return [entry for entry, result in zip(entries, results, strict=False) if result.get("ErrorCode")]

    def and_left(self, answer: bytes, entries: list[Entry]) -> bytes:
        content = json.loads(answer)
        why = {"ErrorCode": _THROTTLED, "ErrorMessage": "Rate exceeded for shard."}
        records = [*content.get("Records", ()), *(why for _ in entries)]
        count = content.get("FailedRecordCount", 0) + len(entries)
        return json.dumps({**content, "FailedRecordCount": count, "Records": records}).encode()


class _Notices:
    """PublishBatch, a form that is answered in XML. An entry is its fields; the answer names entries by their Id."""

    CONTENT_TYPE = "text/xml"
    NOTHING_SENT = _NOTHING_PUBLISHED

    def entries(self, body: bytes) -> list[Entry]:
        entries: dict[int, dict[str, str]] = {}
        for name, value in parse_qsl(body.decode(), keep_blank_values=True):
            if name.startswith(_MEMBER):
                number, _, field = name.removeprefix(_MEMBER).partition(".")
                entries.setdefault(int(number), {})[field] = value
        return [entries[number] for number in sorted(entries)]

    def with_entries(self, body: bytes, entries: list[Entry]) -> bytes:
        others = [pair for pair in parse_qsl(body.decode(), keep_blank_values=True) if not pair[0].startswith(_MEMBER)]
        members = [
            (f"{_MEMBER}{number}.{field}", value)
            for number, entry in enumerate(entries, start=1)
            for field, value in entry.items()
        ]
        return urlencode([*others, *members]).encode()

    def left(self, entries: list[Entry], answer: bytes) -> list[Entry]:
        failed = {element.text for element in ElementTree.fromstring(answer).findall(".//{*}Failed/{*}member/{*}Id")}
        return [entry for entry in entries if entry["Id"] in failed]

    def and_left(self, answer: bytes, entries: list[Entry]) -> bytes:
        document = ElementTree.fromstring(answer)
        result = document.find("{*}PublishBatchResult")
        assert result is not None, "AWS's answer to PublishBatch has no PublishBatchResult"
        failed = result.find("{*}Failed")
        failed = ElementTree.SubElement(result, "Failed") if failed is None else failed
        for entry in entries:
            member = ElementTree.SubElement(failed, "member")
            why = {"Id": entry["Id"], "Code": _CODE, "Message": _MESSAGE, "SenderFault": "false"}
            for name, text in why.items():
                ElementTree.SubElement(member, name).text = text
        return ElementTree.tostring(document)


BATCHES: dict[str, BatchCall] = {
    "dynamodb.BatchWriteItem": _Writes(),
    "kinesis.PutRecords": _Records(),
    "sns.PublishBatch": _Notices(),
    "sqs.SendMessageBatch": _Messages(),
}


def send_part(actor: Actor, call: str, request: Any, position: float) -> AWSResponse:
    """Sends the entries before the position, if any; the answer names those from there on as not carried out."""
    batch, body = BATCHES[call], body_of(request)
    sent, rest = split(batch.entries(body), position)
    if not sent:
        return _answer(request.url, batch, batch.and_left(batch.NOTHING_SENT, rest), {})
    service, _, operation = call.partition(".")
    reply = actor.send(service, operation, _with_body(request, batch.with_entries(body, sent)))
    if reply.status_code >= 300:
        return reply
    return _answer(request.url, batch, batch.and_left(reply.content, rest), dict(reply.headers))


def split(entries: list[Entry], position: float) -> tuple[list[Entry], list[Entry]]:
    """The entries before the position, and those from there on: at least the last one."""
    first = min(int(position * len(entries)), len(entries) - 1)
    return entries[:first], entries[first:]


def left_over(call: str, request: Any, answer: AWSResponse) -> bytes | None:
    """The request with the entries alone that were not carried out, although the call succeeded; None without any."""
    if call not in BATCHES:
        return None
    batch, body = BATCHES[call], body_of(request)
    left = batch.left(batch.entries(body), answer.content)
    return batch.with_entries(body, left) if left else None


def _writes(tables: dict[str, list[Any]]) -> list[Entry]:
    return [(table, write) for table, writes in tables.items() for write in writes]


def _by_table(writes: list[Entry]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, write in writes:
        tables.setdefault(table, []).append(write)
    return tables


def _with_body(request: Any, body: bytes) -> AWSPreparedRequest:
    """The request with another body, signed again if it was signed."""
    headers = {name: _text(value) for name, value in request.headers.items()}
    authorization = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "authorization")}
    changed = AWSRequest(request.method, request.url, kept, body)
    if scope := _SCOPE.search(authorization):
        credentials = boto3.DEFAULT_SESSION.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, scope[2], scope[1]).add_auth(changed)
    return changed.prepare()


def _answer(url: str, batch: BatchCall, content: bytes, headers: dict[str, str]) -> AWSResponse:
    """An answer with this content, and without the headers that describe the body that AWS sent."""
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "x-amz-crc32")}
    kept.setdefault("content-type", batch.CONTENT_TYPE)
    return AWSResponse(url, 200, kept, Raw(content))


def _text(header: bytes | str) -> str:
    return header.decode() if isinstance(header, bytes) else header
