"""Writers that put whole items or records without a condition, singly or in batches."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harness.history import NOTHING
from harness.pipeline.attribution import item_as_json
from harness.workload.base import Writer, item_of, key_of
from harness.workload.items import Change

SECONDS_TO_LIVE = 60  # of an expiring put
_MAX_TRIES = 8  # of a batch put
_FIRST_PAUSE_SECONDS = 0.05


class Put(Writer):
    """An unconditional PutItem of the whole item: repeating it changes nothing (S-01, S-31). If the source is a Kinesis
    stream, a PutRecord: repeating that leaves a second record (S-55)."""

    OPERATION = "put"

    def write(self, change: Change, note: str) -> bool | None:
        self._client.put_item(TableName=self._table, Item=self.item(change, note))
        return True

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return item_of(change, note)


class StampedPut(Put):
    """A PutItem with the time of writing in it: repeating it changes the item and leaves another record (section 0)."""

    OPERATION = "stamped_put"

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return {**super().item(change, note), "updated_at": {"S": datetime.now(UTC).isoformat()}}


class ExpiringPut(Put):
    """A PutItem with a time to live: DynamoDB deletes the item some time after it has expired, and the REMOVE says so
    with its userIdentity (S-52). It expires a fixed time after the call: a later repetition changes the item."""

    OPERATION = "expiring_put"
    LEAVES = NOTHING
    EXPIRES = True

    def item(self, change: Change, note: str) -> dict[str, Any]:
        return {**super().item(change, note), "expires_at": {"N": str(int(time.time()) + SECONDS_TO_LIVE)}}


class PutThenDelete(Put):
    """A PutItem, and a DeleteItem of the same item: an INSERT, and a REMOVE with the intent in its old image. Deleting
    twice leaves no second record (S-37), but repeating both calls puts the item twice, and so leaves four records."""

    OPERATION = "put_then_delete"
    LEAVES = NOTHING

    def write(self, change: Change, note: str) -> bool | None:
        super().write(change, note)
        try:
            self._client.delete_item(TableName=self._table, Key=key_of(change))
        except self._client.exceptions.ClientError:
            return None  # the put was carried out
        return True


class PutRecord(Writer):
    """A PutRecord of the whole item as JSON, with its name as the partition key: each repetition, also by the SDK,
    leaves a second record (S-55)."""

    OPERATION = "put"
    LEAVES = NOTHING

    def write(self, change: Change, note: str) -> bool | None:
        data = json.dumps(item_as_json(item_of(change, note))).encode()
        self._client.put_record(StreamName=self._table, PartitionKey=change.item, Data=data)
        return True


class BlindBatchPut(Writer):
    """A BatchWriteItem that takes an answer without an error for success: items that AWS left unprocessed (S-23) are
    never written."""

    OPERATION = "blind_batch_put"
    BATCH_SIZE = 4

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        self.send([{"PutRequest": {"Item": item_of(change, note)}} for change in changes])
        return [True] * len(changes)

    def send(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One call; returns the requests that were left unprocessed."""
        answer = self._client.batch_write_item(RequestItems={self._table: requests})
        unprocessed: list[dict[str, Any]] = answer.get("UnprocessedItems", {}).get(self._table, [])
        return unprocessed


class BatchPut(BlindBatchPut):
    """A BatchWriteItem that sends unprocessed items again after a pause, until none is left: an identical put is safe
    to repeat (S-01, S-23). The puts of a batch have no order."""

    OPERATION = "batch_put"

    def write_batch(self, changes: Sequence[Change], note: str) -> list[bool | None]:
        requests = [{"PutRequest": {"Item": item_of(change, note)}} for change in changes]
        for tries in range(_MAX_TRIES):
            if tries:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**tries)
            requests = self.send(requests)
            if not requests:
                break
        # An attempt whose reply was lost may have written an item that a later one left unprocessed.
        unknown = {request["PutRequest"]["Item"]["intent"]["S"] for request in requests}
        return [None if change.intent in unknown else True for change in changes]
