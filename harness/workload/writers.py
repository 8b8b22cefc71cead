"""Writer patterns: put items singly, in batches or under a condition, or update them.

A `blind` writer makes a common mistake.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harness.history import COUNT, NOTHING
from harness.pipeline.stack import item_as_json
from harness.workload.base import Writer, holds_own, is_new, item_of, key_of, updated_to
from harness.workload.items import Change

SECONDS_TO_LIVE = 60  # of an expiring put
_MAX_BATCH_TRIES = 8  # of a batch put
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
        for tries in range(_MAX_BATCH_TRIES):
            if tries:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**tries)
            requests = self.send(requests)
            if not requests:
                break
        # An attempt whose reply was lost may have written an item that a later one left unprocessed.
        unknown = {request["PutRequest"]["Item"]["intent"]["S"] for request in requests}
        return [None if change.intent in unknown else True for change in changes]


_MAX_TRIES = 5  # of a blind versioned put


class CreateOnce(Writer):
    """A conditional create that recognises its own write: after a lost reply the repeated request fails because of its
    own success, which the item that AWS shows with the failure tells (S-02, S-03, S-11)."""

    OPERATION = "create_once"

    def write(self, change: Change, note: str) -> bool:
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item_of(change, note),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **is_new(change),
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return self.exists_already(error, change)
        return True

    def exists_already(self, error: Any, change: Change) -> bool:
        return holds_own(error, change)


class BlindCreate(CreateOnce):
    """A conditional create that takes a failed condition to mean that another writer was first: after a lost reply it
    was its own write (S-11)."""

    OPERATION = "blind_create"

    def exists_already(self, error: Any, change: Change) -> bool:
        return False


class VersionedPut(Writer):
    """Optimistic locking that recognises its own write: change n expects version n-1 and leaves version n, so making it
    twice fails, and the item that AWS shows with the failure tells its own success from a conflict (S-04, S-12)."""

    OPERATION = "versioned_put"

    def write(self, change: Change, note: str) -> bool:
        try:
            self.put(change, note, expected=change.number - 1)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return holds_own(error, change)
        return True

    def put(self, change: Change, note: str, expected: int) -> None:
        """One conditional PutItem; version 0 is an item that does not exist."""
        condition = is_new(change)
        if expected:
            condition = {
                "ConditionExpression": "version = :expected",
                "ExpressionAttributeValues": {":expected": {"N": str(expected)}},
            }
        self._client.put_item(
            TableName=self._table,
            Item={**item_of(change, note), "version": {"N": str(expected + 1)}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **condition,
        )


class BlindVersionedPut(VersionedPut):
    """Optimistic locking as it is often written: read the version, write, and repeat both on a conflict. After a lost
    reply the conflict is with its own success, and the change is applied a second time (S-12)."""

    OPERATION = "blind_versioned_put"

    def write(self, change: Change, note: str) -> bool:
        for _ in range(_MAX_TRIES):
            key = key_of(change)
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            try:
                self.put(change, note, expected=int(item.get("version", {"N": "0"})["N"]))
            except self._client.exceptions.ConditionalCheckFailedException:
                continue
            return True
        return False


class UpdateSet(Writer):
    """An UpdateItem that SETs values: repeating it changes nothing, so that the stream gets no record (S-32)."""

    OPERATION = "update_set"
    COUNTED = False

    def write(self, change: Change, note: str) -> bool:
        self._client.update_item(TableName=self._table, **updated_to(change, note, self.COUNTED))
        return True


class UpdateAdd(UpdateSet):
    """An UpdateItem that also ADDs one to the item's `changes`: each repetition, by the SDK after a lost reply or by
    the application, counts again and leaves another record (S-06, S-13)."""

    OPERATION = "update_add"
    LEAVES = COUNT
    COUNTED = True


class BlindTransactAdd(Writer):
    """The same ADD in a TransactWriteItems, with the token that the SDK makes for each call: the SDK's attempts count
    once, but a call that the application repeats has another token, and counts again (S-21)."""

    OPERATION = "blind_transact_add"
    LEAVES = COUNT

    def write(self, change: Change, note: str) -> bool:
        update = {"TableName": self._table, **updated_to(change, note, counted=True)}
        self._client.transact_write_items(TransactItems=[{"Update": update}], **self.token(change))
        return True

    def token(self, change: Change) -> dict[str, str]:
        return {}


class TransactAdd(BlindTransactAdd):
    """The same ADD, with a ClientRequestToken that the application makes of the intent: all calls within ten minutes
    count once, also after another change of the item (S-15, S-17). Later calls count again (S-16)."""

    OPERATION = "transact_add"

    def token(self, change: Change) -> dict[str, str]:
        """36 characters, as many as a token may have. The table is part of it, as the account shares tokens."""
        return {"ClientRequestToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._table}/{change.intent}"))}

    def write(self, change: Change, note: str) -> bool:
        try:
            return super().write(change, note)
        except self._client.exceptions.IdempotentParameterMismatchException:
            return True  # the intent was carried out with its token, but other values (S-18)
