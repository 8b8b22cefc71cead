"""Blind batch put: replace several items at once, and look at the status alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from harness.workloads.base import item_of
from harness.workloads.generator import Change


class BlindBatchPut:
    """A BatchWriteItem that takes an answer without an error for success: what AWS has left unprocessed (S-23) is
    never written."""

    OPERATION: ClassVar[str] = "blind_batch_put"
    BATCH_SIZE: ClassVar[int] = 4

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        self.send([{"PutRequest": {"Item": item_of(change, note)}} for change in changes])
        return [True] * len(changes)

    def send(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One call; returns the requests that were left unprocessed."""
        answer = self._client.batch_write_item(RequestItems={self._table: requests})
        left: list[dict[str, Any]] = answer.get("UnprocessedItems", {}).get(self._table, [])
        return left
