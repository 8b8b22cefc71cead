"""Put then delete: the item is there for a moment."""

from __future__ import annotations

from typing import ClassVar

from botocore.exceptions import ClientError

from harness.history import NOTHING
from harness.workloads.base import key_of
from harness.workloads.generator import Change
from harness.workloads.put import Put


class PutThenDelete(Put):
    """A PutItem, and a DeleteItem of what was put: an INSERT, and a REMOVE that shows the intent in its old image.
    Deleting twice leaves no second record (S-37), but made twice as a whole it is two items, and so four records."""

    OPERATION: ClassVar[str] = "put_then_delete"
    LEAVES: ClassVar[str] = NOTHING

    def write(self, change: Change, note: str) -> bool | None:
        super().write(change, note)
        try:
            self._client.delete_item(TableName=self._table, Key=key_of(change))
        except ClientError:
            return None  # half of it was done
        return True
