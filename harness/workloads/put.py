"""Put: replace the item, whatever was there."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.workloads.base import item_of
from harness.workloads.generator import Change


class Put:
    """An unconditional PutItem of the whole item: repeating it changes nothing (S-01, S-31). Where the source is a
    Kinesis stream, a PutRecord of it: repeating that is a second record (S-55)."""

    OPERATION: ClassVar[str] = "put"

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool | None:
        self._client.put_item(TableName=self._table, Item=self.item(change, note))
        return True

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return item_of(change, note)
