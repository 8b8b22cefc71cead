"""Writers that put whole items or records, one by one or in batches, under no condition."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from harness.history import NOTHING
from harness.pipeline.attribution import item_as_json
from harness.workload.base import BatchWriter, Writer, item_of, key_of
from harness.workload.items import Change

SECONDS_TO_LIVE = 60  # of an expiring put
_MAX_TRIES = 8  # of a batch put
_FIRST_PAUSE_SECONDS = 0.05


class Put(Writer):
    """An unconditional PutItem of the whole item: repeating it changes nothing (S-01, S-31). Where the source is a
    Kinesis stream, a PutRecord of it: repeating that is a second record (S-55)."""

    OPERATION: ClassVar[str] = "put"

    def write(self, change: Change, note: str) -> bool | None:
        self._client.put_item(TableName=self._table, Item=self.item(change, note))
        return True

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return item_of(change, note)


class StampedPut(Put):
    """A PutItem with the time of writing in it: made twice, it is another item, and so another record (section 0)."""

    OPERATION: ClassVar[str] = "stamped_put"

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return {**super().item(change, note), "updated_at": {"S": datetime.now(UTC).isoformat()}}


class ExpiringPut(Put):
    """A PutItem with a time to live: DynamoDB deletes the item some time after its end, and the REMOVE says so with its
    userIdentity (S-52). The end is counted from now, so that a put made again in another second is another item."""

    OPERATION: ClassVar[str] = "expiring_put"
    LEAVES: ClassVar[str] = NOTHING
    EXPIRES: ClassVar[bool] = True

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return {**super().item(change, note), "expires_at": {"N": str(int(time.time()) + SECONDS_TO_LIVE)}}


class PutThenDelete(Put):
    """A PutItem, and a DeleteItem of what was put: an INSERT, and a REMOVE that shows the intent in its old image.
    Deleting twice leaves no second record (S-37), but made twice as a whole it is two items, and so four records."""

    OPERATION: ClassVar[str] = "put_then_delete"
    LEAVES: ClassVar[str] = NOTHING

    def write(self, change: Change, note: str) -> bool | None:
        super().write(change, note)
        try:
            self._client.delete_item(TableName=self._table, Key=key_of(change))
        except self._client.exceptions.ClientError:
            return None  # half of it was done
        return True


class PutRecord(Writer):
    """A PutRecord of the whole item as JSON, under its name as the partition key: whoever repeats it, the SDK too,
    leaves a second record (S-55). A stream keeps records and no items."""

    OPERATION: ClassVar[str] = "put"
    LEAVES: ClassVar[str] = NOTHING

    def write(self, change: Change, note: str) -> bool | None:
        data = json.dumps(item_as_json(item_of(change, note))).encode()
        self._client.put_record(StreamName=self._table, PartitionKey=change.item, Data=data)
        return True


class BlindBatchPut(BatchWriter):
    """A BatchWriteItem that takes an answer without an error for success: what AWS has left unprocessed (S-23) is
    never written."""

    OPERATION: ClassVar[str] = "blind_batch_put"
    BATCH_SIZE: ClassVar[int] = 4

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        self.send([{"PutRequest": {"Item": item_of(change, note)}} for change in changes])
        return [True] * len(changes)

    def send(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One call; returns the requests that were left unprocessed."""
        answer = self._client.batch_write_item(RequestItems={self._table: requests})
        left: list[dict[str, Any]] = answer.get("UnprocessedItems", {}).get(self._table, [])
        return left


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
