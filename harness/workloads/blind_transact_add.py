"""Blind transact add: count the change in a transaction, and leave its token to the SDK."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.history import COUNT
from harness.workloads.base import updated_to
from harness.workloads.generator import Change


class BlindTransactAdd:
    """The same ADD in a TransactWriteItems, under the token that the SDK makes for each call: its own attempts count
    once, and a call that the application repeats has another token, and counts again (S-21)."""

    OPERATION: ClassVar[str] = "blind_transact_add"
    LEAVES: ClassVar[str] = COUNT

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, change: Change, note: str) -> bool:
        update = {"TableName": self._table, **updated_to(change, note, counted=True)}
        self._client.transact_write_items(TransactItems=[{"Update": update}], **self.token(change))
        return True

    def token(self, change: Change) -> dict[str, str]:
        return {}
