"""Update add: write the item's values, and count the change."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.history import COUNT
from harness.workloads.base import updated_to
from harness.workloads.generator import Change


class UpdateAdd:
    """An UpdateItem that also ADDs one to the item's `changes`: whoever repeats it, the SDK after a lost reply or the
    application, it counts again, and leaves another record (S-06, S-13)."""

    OPERATION: ClassVar[str] = "update_add"
    LEAVES: ClassVar[str] = COUNT

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool:
        self._client.update_item(TableName=self._table, **updated_to(change, note, counted=True))
        return True
