"""Put record: what `put` is where the source is a Kinesis stream."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from harness.attribution import item_as_json
from harness.history import NOTHING
from harness.workloads.base import item_of
from harness.workloads.generator import Change


class PutRecord:
    """A PutRecord of the whole item as JSON, under its name as the partition key: whoever repeats it, the SDK too,
    leaves a second record (S-55). A stream keeps records and no items."""

    OPERATION: ClassVar[str] = "put"
    LEAVES: ClassVar[str] = NOTHING

    def __init__(self, client: Any, stream: str) -> None:
        self._client = client
        self._stream = stream

    def write(self, change: Change, note: str) -> bool | None:
        data = json.dumps(item_as_json(item_of(change, note))).encode()
        self._client.put_record(StreamName=self._stream, PartitionKey=change.item, Data=data)
        return True
