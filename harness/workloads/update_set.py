"""Update set: write the item's values, whatever they were."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.workloads.base import updated_to
from harness.workloads.generator import Change


class UpdateSet:
    """An UpdateItem that SETs values: repeating it changes nothing, and so leaves no record (S-32)."""

    OPERATION: ClassVar[str] = "update_set"

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool:
        self._client.update_item(TableName=self._table, **updated_to(change, note))
        return True
