"""Create once: put the item if it is not there yet."""

from __future__ import annotations

from typing import Any, ClassVar

from botocore.exceptions import ClientError

from harness.workloads.base import condition_failed, holds_own, is_new, item_of
from harness.workloads.generator import Change


class CreateOnce:
    """A conditional create that knows its own write: after a lost reply the repeated request fails against its own
    success, and the item that AWS shows with the failure says so (S-02, S-03, S-11)."""

    OPERATION: ClassVar[str] = "create_once"

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool:
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item_of(change, note),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **is_new(change),
            )
        except ClientError as error:
            if condition_failed(error):
                return self.exists_already(error, change)
            raise
        return True

    def exists_already(self, error: ClientError, change: Change) -> bool:
        return holds_own(error, change)
