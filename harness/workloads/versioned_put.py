"""Versioned put: replace the item if nobody else has changed it since."""

from __future__ import annotations

from typing import Any, ClassVar

from botocore.exceptions import ClientError

from harness.workloads.base import condition_failed, holds_own, is_new, item_of
from harness.workloads.generator import Change


class VersionedPut:
    """Optimistic locking that knows its own write: change n expects version n-1 and leaves version n, so making it
    twice fails, and the item that AWS shows with the failure tells its own success from a conflict (S-04, S-12)."""

    OPERATION: ClassVar[str] = "versioned_put"

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool:
        try:
            self.put(change, note, expected=change.number - 1)
        except ClientError as error:
            if condition_failed(error):
                return holds_own(error, change)
            raise
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
