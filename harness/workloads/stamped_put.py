"""Stamped put: replace the item, and note when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from harness.workloads.generator import Change
from harness.workloads.put import Put


class StampedPut(Put):
    """A PutItem with the time of writing in it: made twice, it is another item, and so another record (section 0)."""

    OPERATION: ClassVar[str] = "stamped_put"

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return {**super().item(change, note), "updated_at": {"S": datetime.now(UTC).isoformat()}}
