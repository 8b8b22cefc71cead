"""Batch put: replace several items at once, and send again what was left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from harness.workloads.base import item_of
from harness.workloads.blind_batch_put import BlindBatchPut
from harness.workloads.generator import Change

_MAX_TRIES = 8
_FIRST_PAUSE_SECONDS = 0.05


class BatchPut(BlindBatchPut):
    """A BatchWriteItem whose unprocessed items are sent again after a pause, until none is left: an identical put is
    safe to repeat (S-01, S-23). The puts of a batch have no order among them."""

    OPERATION: ClassVar[str] = "batch_put"

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        left = [{"PutRequest": {"Item": item_of(change, note)}} for change in changes]
        for tries in range(_MAX_TRIES):
            if tries:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**tries)
            left = self.send(left)
            if not left:
                break
        # An attempt whose reply was lost may have written what a later one has left.
        unknown = {request["PutRequest"]["Item"]["intent"]["S"] for request in left}
        return [None if change.intent in unknown else True for change in changes]
