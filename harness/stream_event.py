"""Stream records as the function gets them, and what can be read from them. Pure.

A record here is always a record of Lambda's event: plain JSON, with the fields of S-92 and no others.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

Record = dict[str, Any]

_EVENT_FIELDS = ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")
_CHANGE_FIELDS = ("Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType")


def to_record(read: dict[str, Any], stream_arn: str) -> Record:
    """A record as boto3's GetRecords returns it, made into a record of Lambda's event.

    Times become seconds since the epoch, binary values base64 text.
    """
    change = read["dynamodb"]
    created = {"ApproximateCreationDateTime": change["ApproximateCreationDateTime"].timestamp()}
    record: Record = {field: read[field] for field in _EVENT_FIELDS if field in read}
    record["dynamodb"] = created | {field: _plain(change[field]) for field in _CHANGE_FIELDS if field in change}
    record["eventSourceARN"] = stream_arn
    if identity := read.get("userIdentity"):
        # Lambda's event spells these two in lower case, the API in upper case.
        record["userIdentity"] = {"principalId": identity["PrincipalId"], "type": identity["Type"]}
    return record


def payload(records: Sequence[Record]) -> bytes:
    """The event that the function is invoked with."""
    return _encode({"Records": records})


def size(record: Record) -> int:
    """How many bytes of the event's JSON the record takes, its comma included."""
    return len(_encode(record)) + 1


def sequence_number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def sequence_numbers(records: Iterable[Record]) -> list[str]:
    return [sequence_number(record) for record in records]


def created_at(record: Record) -> int:
    """Microseconds since the Unix epoch; AWS keeps whole seconds only (S-57)."""
    seconds: float = record["dynamodb"]["ApproximateCreationDateTime"]
    return round(seconds * 1_000_000)


def intents(records: Iterable[Record]) -> tuple[str, ...]:
    """The intents that the records carry, each once, in order: from the new image, else from the old one."""
    return _unique(_intent(record["dynamodb"]) for record in records)


def items(records: Iterable[Record]) -> tuple[str, ...]:
    """The ids of the items concerned, each once, in order."""
    return _unique(_item(record["dynamodb"]["Keys"]) for record in records)


def key(record: Record) -> str:
    """The item's whole key, partition and sort key, as one text."""
    return json.dumps(record["dynamodb"]["Keys"], sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _intent(change: dict[str, Any]) -> str:
    image = change.get("NewImage") or change.get("OldImage") or {}
    return str(image.get("intent", {}).get("S", ""))


def _item(keys: dict[str, Any]) -> str:
    parts = [keys["id"]] if "id" in keys else list(keys.values())
    return "/".join(str(scalar) for part in parts for scalar in part.values())


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
