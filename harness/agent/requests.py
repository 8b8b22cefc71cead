"""Reads from a request or an event what it is about: intents travel in items and in effects."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# The attributes that name intent and item, as requests spell them: an attribute, or a value of an expression.
INTENT = ("intent", ":intent")
ITEM = ("id", "item", ":item")
Names = tuple[tuple[str, ...], tuple[str, ...]]
_MESSAGE = "MessageBody"
_CHUNKED = "aws-chunked"  # how S3's client cuts the body of a request
_OF_CHUNKS = frozenset(
    {
        *("content-encoding", "transfer-encoding", "x-amz-trailer"),
        *("x-amz-content-sha256", "x-amz-decoded-content-length"),
    }
)
WRITES = (
    ("dynamodb", "PutItem"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "DeleteItem"),
    ("dynamodb", "BatchWriteItem"),
    ("dynamodb", "TransactWriteItems"),
    ("sqs", "SendMessage"),
    ("sqs", "SendMessageBatch"),
    ("s3", "PutObject"),
    ("s3", "DeleteObject"),
    ("sns", "Publish"),
    ("sns", "PublishBatch"),
    *(("http", method) for method in ("POST", "PUT", "PATCH")),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call or an event is about: ids of items, intents, and whether it lands an effect.

    target: a table, queue, bucket, topic or URL.
    """

    target: str = ""
    items: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    effect: bool = False

    def within(self, execution: Subject) -> Subject:
        """The subject of a call inside an execution: without an intent of its own it takes the execution's only one."""
        intents = self.intents or (execution.intents if len(execution.intents) == 1 else ())
        return replace(self, intents=intents)


def of_request(
    service: str,
    operation: str,
    url: str,
    body: bytes,
    sinks: frozenset[str],
    names: Names = ((), ()),
    among: tuple[str, ...] = (),
) -> Subject:
    """The subject of an AWS call, or of an HTTP request; `sinks` and `names` are the wire's.

    among: the intents of the execution. A call in which no attribute names an intent is about those that are values
    in it, as in `ExpressionAttributeValues={":i": …}`.
    """
    content = _content(service, body)
    if service == "lambda":
        return of_event(content)
    match service:
        case "s3":
            targets = [_bucket(url, sinks)]
        case "http":
            targets = [max((sink for sink in sinks if url.startswith(sink)), key=len, default=url)]
        case _:
            targets = _targets(content)
    effect = (service, operation) in WRITES and any(target in sinks for target in targets)
    intent, item = (*INTENT, *_spelled(names[0])), (*ITEM, *_spelled(names[1]))
    intents = values(content, intent) or _mentioned(content, among)
    return Subject(",".join(targets), tuple(values(content, item)), tuple(intents), effect)


def of_event(event: Any) -> Subject:
    """The subject of a function's event: the intents of its records, by their new image, or else by their old one."""
    items: dict[str, None] = {}
    intents: dict[str, None] = {}
    for record in event.get("Records", ()) if isinstance(event, dict) else ():
        keys, content, whole_key = _content_of_record(record)
        items.update(dict.fromkeys(values(keys, ITEM) or [whole_key]))
        intents.update(dict.fromkeys(values(content, INTENT)))
    return Subject("", tuple(items), tuple(intents))


def _content_of_record(record: dict[str, Any]) -> tuple[Any, Any, str]:
    """Where a record names its item, where it names its intent, and the item's whole key."""
    if "kinesis" in record:
        message = _message(record["kinesis"].get("data", ""))
        return message, message, str(record["kinesis"].get("partitionKey", ""))
    change = record.get("dynamodb", {})
    keys = change.get("Keys", {})
    whole_key = "/".join(str(scalar) for part in keys.values() for scalar in part.values())
    image = "OldImage" if record.get("eventName") == "REMOVE" else "NewImage"  # an old image names the intent before
    return keys, change.get(image) or {}, whole_key


def sequence_numbers(event: Any) -> list[str]:
    records = event.get("Records", ()) if isinstance(event, dict) else ()
    return [
        record.get("kinesis", {}).get("sequenceNumber") or record.get("dynamodb", {}).get("SequenceNumber", "")
        for record in records
    ]


def _spelled(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(spelling for name in names for spelling in (name, f":{name}"))


def _content(service: str, body: bytes) -> Any:
    """The parameters of a call. An S3 object and the body of an HTTP request count as a message."""
    if service in ("s3", "http"):
        return {_MESSAGE: body.decode("utf-8", "replace")}
    if service == "sns":
        parameters = parse_qsl(body.decode("utf-8", "replace"))
        messages = [{_MESSAGE: value} for name, value in parameters if name.rpartition(".")[2] == "Message"]
        return {**dict(parameters), "messages": messages}
    try:
        content = json.loads(body) if body else {}
    except ValueError:
        return {}
    if service == "kinesis":
        records = [record for record in (content, *content.get("Records", ())) if "Data" in record]
        return {**content, "messages": [_message(record["Data"]) for record in records]}
    return content


def _message(data: str) -> dict[str, str]:
    """The data of a Kinesis record, as a message."""
    return {_MESSAGE: base64.b64decode(data).decode("utf-8", "replace")}


def _bucket(url: str, sinks: frozenset[str]) -> str:
    """The bucket is the first part of the host or of the path, depending on the endpoint."""
    parts = urlsplit(url)
    host, path = f"{parts.hostname}.", f"{parts.path[1:]}/"
    matching = [sink for sink in sinks if host.startswith(f"{sink}.") or path.startswith(f"{sink}/")]
    return max(matching, key=len, default=host.partition(".s3")[0] if ".s3" in host else path.partition("/")[0])


def _targets(content: dict[str, Any]) -> list[str]:
    names: dict[str, None] = {}
    for key in ("TableName", "StreamName", "StreamARN", "QueueUrl", "TopicArn"):
        if isinstance(content.get(key), str):
            names[re.split("[:/]", content[key])[-1]] = None
    for action in content.get("TransactItems", ()):
        names.update({inner["TableName"]: None for inner in action.values() if "TableName" in inner})
    if isinstance(content.get("RequestItems"), dict):
        names.update(dict.fromkeys(content["RequestItems"]))
    return list(names)


def values(content: Any, names: tuple[str, ...]) -> list[str]:
    """The distinct values of these attributes, at any depth of a request, an event or an answer."""
    return list(dict.fromkeys(_find(content, names)))


def _find(content: Any, names: tuple[str, ...]) -> Iterator[str]:
    if isinstance(content, list):
        for element in content:
            yield from _find(element, names)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in names and isinstance(value, dict) and isinstance(scalar := value.get("S", value.get("N")), str):
                yield scalar
            elif key == _MESSAGE and isinstance(value, str):
                yield from _in_message(value, names)
            else:
                yield from _find(value, names)


def _mentioned(content: Any, among: tuple[str, ...]) -> list[str]:
    """Those of these texts that are a value of the content."""
    mentioned: set[str] = set()
    unread = [content] if among else []
    while unread:
        value = unread.pop()
        if isinstance(value, dict | list):
            unread.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str):
            mentioned.add(value)
    return [text for text in among if text in mentioned]


def _in_message(body: str, names: tuple[str, ...]) -> Iterator[str]:
    try:
        message = json.loads(body)
    except ValueError:
        return
    if isinstance(message, dict):
        yield from (message[name] for name in names if isinstance(message.get(name), str))
        yield from _inside(message, frozenset(names) - {*INTENT, *ITEM})


def _inside(content: Any, names: frozenset[str]) -> Iterator[str]:
    """Attributes that a scenario names may be at any depth of a message, and may be numbers."""
    if isinstance(content, list):
        for element in content:
            yield from _inside(element, names)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in names and isinstance(value, str | int | float):
                yield str(value)
            yield from _inside(value, names)


def is_chunked(request: Any) -> bool:
    encoding = request.headers.get("content-encoding", "")
    return _CHUNKED in (encoding.decode() if isinstance(encoding, bytes) else encoding)


def headers_of(request: Any) -> dict[str, str]:
    """The headers, without those of a chunked body: `body_of` joins the chunks."""
    left_out: frozenset[str] = _OF_CHUNKS if is_chunked(request) else frozenset()
    return {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
        if name.lower() not in left_out
    }


def body_of(request: Any) -> bytes:
    """The body without chunks. A body that is a stream can still be read by botocore afterwards."""
    body = request.body or b""
    if isinstance(body, str):
        return body.encode()
    content = bytes(body) if isinstance(body, bytes | bytearray) else _read(request, body)
    return without_chunks(content) if is_chunked(request) else content


def _read(request: Any, stream: Any) -> bytes:
    """Reads a stream and rewinds it. If it cannot be rewound, the request gets what was read."""
    try:
        position = stream.tell() if hasattr(stream, "tell") else 0
    except OSError:
        position = 0
    content: bytes = stream.read()
    try:
        stream.seek(position)
    except (AttributeError, OSError):
        request.body = content
    return content


def without_chunks(content: bytes) -> bytes:
    """Decodes repeated `SIZE in hexadecimal [; extension] CRLF DATA CRLF`. Size 0 ends the body; trailers follow."""
    encoded, body = io.BytesIO(content), b""
    while size := int(encoded.readline().partition(b";")[0], 16):
        body += encoded.read(size)
        encoded.readline()
    return body
