"""Expiring put: replace the item, and let DynamoDB take it away."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from harness.history import NOTHING
from harness.workloads.generator import Change
from harness.workloads.put import Put

SECONDS_TO_LIVE = 60


class ExpiringPut(Put):
    """A PutItem with a time to live: DynamoDB deletes the item some time after its end, and the REMOVE says so with its
    userIdentity (S-52). The end is counted from now, so that a put made again in another second is another item."""

    OPERATION: ClassVar[str] = "expiring_put"
    LEAVES: ClassVar[str] = NOTHING
    EXPIRES: ClassVar[bool] = True

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return {**super().item(change, note), "expires_at": {"N": str(int(time.time()) + SECONDS_TO_LIVE)}}
