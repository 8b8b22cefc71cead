"""Writers that put under a condition or update an item; a `blind` one makes the mistake that is often made."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from harness.history import COUNT
from harness.workload.base import Writer, holds_own, is_new, item_of, key_of, updated_to
from harness.workload.items import Change

_MAX_TRIES = 5  # of a blind versioned put


class CreateOnce(Writer):
    """A conditional create that knows its own write: after a lost reply the repeated request fails against its own
    success, and the item that AWS shows with the failure says so (S-02, S-03, S-11)."""

    OPERATION: ClassVar[str] = "create_once"

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
    """A conditional create that takes a failed condition for "somebody else was first": wrong about its own write
    when a reply is lost (S-11)."""

    OPERATION: ClassVar[str] = "blind_create"

    def exists_already(self, error: Any, change: Change) -> bool:
        return False


class VersionedPut(Writer):
    """Optimistic locking that knows its own write: change n expects version n-1 and leaves version n, so making it
    twice fails, and the item that AWS shows with the failure tells its own success from a conflict (S-04, S-12)."""

    OPERATION: ClassVar[str] = "versioned_put"

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
    """Optimistic locking as it is often written: read the version, write, and on a conflict do both again. After a
    lost reply the conflict is with its own success, and the change is applied a second time (S-12)."""

    OPERATION: ClassVar[str] = "blind_versioned_put"

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
    """An UpdateItem that SETs values: repeating it changes nothing, and so leaves no record (S-32)."""

    OPERATION: ClassVar[str] = "update_set"
    COUNTED: ClassVar[bool] = False

    def write(self, change: Change, note: str) -> bool:
        self._client.update_item(TableName=self._table, **updated_to(change, note, self.COUNTED))
        return True


class UpdateAdd(UpdateSet):
    """An UpdateItem that also ADDs one to the item's `changes`: whoever repeats it, the SDK after a lost reply or the
    application, it counts again, and leaves another record (S-06, S-13)."""

    OPERATION: ClassVar[str] = "update_add"
    LEAVES: ClassVar[str] = COUNT
    COUNTED: ClassVar[bool] = True


class BlindTransactAdd(Writer):
    """The same ADD in a TransactWriteItems, under the token that the SDK makes for each call: its own attempts count
    once, and a call that the application repeats has another token, and counts again (S-21)."""

    OPERATION: ClassVar[str] = "blind_transact_add"
    LEAVES: ClassVar[str] = COUNT

    def write(self, change: Change, note: str) -> bool:
        update = {"TableName": self._table, **updated_to(change, note, counted=True)}
        self._client.transact_write_items(TransactItems=[{"Update": update}], **self.token(change))
        return True

    def token(self, change: Change) -> dict[str, str]:
        return {}


class TransactAdd(BlindTransactAdd):
    """The same ADD, under a ClientRequestToken that the application makes of the intent: however often it calls within
    ten minutes, it counts once, also after another change of the item (S-15, S-17). Later it counts again (S-16)."""

    OPERATION: ClassVar[str] = "transact_add"

    def token(self, change: Change) -> dict[str, str]:
        """36 characters, as many as a token may have. The table is in it: tokens are the whole account's."""
        return {"ClientRequestToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._table}/{change.intent}"))}

    def write(self, change: Change, note: str) -> bool:
        try:
            return super().write(change, note)
        except self._client.exceptions.IdempotentParameterMismatchException:
            return True  # the intent was carried out under its token, with other values (S-18)
