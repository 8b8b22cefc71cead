"""What a request or an event is about, read from its content: intents travel in items and in effects."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# The attributes that say what an item or an effect is about, in the two spellings of requests:
# as an attribute, and as the value of an expression.
INTENT = ("intent", ":intent")
ITEM = ("id", "item", ":item")
Names = tuple[tuple[str, ...], tuple[str, ...]]
_MESSAGE = "MessageBody"
_CHUNKED = "aws-chunked"  # how S3's client cuts the body of a request
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
    service: str, operation: str, url: str, body: bytes, sinks: frozenset[str], names: Names = ((), ())
) -> Subject:
    """The subject of an AWS call, or of an HTTP request; `sinks` and `names` are the wire's."""
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
    return Subject(",".join(targets), tuple(values(content, item)), tuple(values(content, intent)), effect)


def of_event(event: Any) -> Subject:
    """The subject of a function's event: the intents of its records as they are after (or before) the change."""
    items: dict[str, None] = {}
    intents: dict[str, None] = {}
    for record in event.get("Records", ()) if isinstance(event, dict) else ():
        named, content, otherwise = _shown(record)
        items.update(dict.fromkeys(values(named, ITEM) or [otherwise]))
        intents.update(dict.fromkeys(values(content, INTENT)))
    return Subject("", tuple(items), tuple(intents))


def _shown(record: dict[str, Any]) -> tuple[Any, Any, str]:
    """What says which item a record is about, what says of which intent, and how the item is called otherwise."""
    if "kinesis" in record:
        carried = _carried(record["kinesis"].get("data", ""))
        return carried, carried, str(record["kinesis"].get("partitionKey", ""))
    change = record.get("dynamodb", {})
    keys = change.get("Keys", {})
    return keys, change.get("NewImage") or change.get("OldImage") or {}, _whole(keys)


def sequence_numbers(event: Any) -> list[str]:
    records = event.get("Records", ()) if isinstance(event, dict) else ()
    return [
        record.get("kinesis", {}).get("sequenceNumber") or record.get("dynamodb", {}).get("SequenceNumber", "")
        for record in records
    ]


def _spelled(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(spelling for name in names for spelling in (name, f":{name}"))


def _whole(keys: dict[str, Any]) -> str:
    """The name of an item whose key has no `id`: all of its key."""
    return "/".join(str(scalar) for part in keys.values() for scalar in part.values())


def _content(service: str, body: bytes) -> Any:
    """The parameters of a call; an object in S3 is like a message, and so is what is posted."""
    if service in ("s3", "http"):
        return {_MESSAGE: body.decode("utf-8", "replace")}
    if service == "sns":
        given = parse_qsl(body.decode("utf-8", "replace"))
        messages = [{_MESSAGE: value} for name, value in given if name.rpartition(".")[2] == "Message"]
        return {**dict(given), "messages": messages}
    try:
        content = json.loads(body) if body else {}
    except ValueError:
        return {}
    if service == "kinesis":
        records = [each for each in (content, *content.get("Records", ())) if "Data" in each]
        return {**content, "messages": [_carried(each["Data"]) for each in records]}
    return content


def _carried(data: str) -> dict[str, str]:
    """What a record of Kinesis carries is like a message."""
    return {_MESSAGE: base64.b64decode(data).decode("utf-8", "replace")}


def _bucket(url: str, sinks: frozenset[str]) -> str:
    """The first part of the host or of the path, as the endpoint wants it."""
    where = urlsplit(url)
    host, path = f"{where.hostname}.", f"{where.path[1:]}/"
    named = [sink for sink in sinks if host.startswith(f"{sink}.") or path.startswith(f"{sink}/")]
    return max(named, key=len, default=host.partition(".s3")[0] if ".s3" in host else path.partition("/")[0])


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
    """What these attributes are, wherever they stand in a request, an event or an answer; each once."""
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


def _in_message(body: str, names: tuple[str, ...]) -> Iterator[str]:
    try:
        message = json.loads(body)
    except ValueError:
        return
    if isinstance(message, dict):
        yield from (message[name] for name in names if isinstance(message.get(name), str))
        yield from _inside(message, frozenset(names) - {*INTENT, *ITEM})


def _inside(content: Any, names: frozenset[str]) -> Iterator[str]:
    """What a scenario names may stand anywhere in a message, and be a number."""
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


def body_of(request: Any) -> bytes:
    """The body as its sender meant it, without chunks. A body that is a stream can still be read by botocore."""
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
