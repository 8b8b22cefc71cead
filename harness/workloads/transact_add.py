"""Transact add: count the change in a transaction, under a token that follows from the intent."""

from __future__ import annotations

import uuid
from typing import ClassVar

from botocore.exceptions import ClientError

from harness.workloads.blind_transact_add import BlindTransactAdd
from harness.workloads.generator import Change

_NAMESPACE = uuid.NAMESPACE_URL


class TransactAdd(BlindTransactAdd):
    """The same ADD, under a ClientRequestToken that the application makes of the intent: however often it calls within
    ten minutes, it counts once, also after another change of the item (S-15, S-17). Later it counts again (S-16)."""

    OPERATION: ClassVar[str] = "transact_add"

    def token(self, change: Change) -> dict[str, str]:
        """36 characters, as many as a token may have. The table is in it: tokens are the whole account's."""
        return {"ClientRequestToken": str(uuid.uuid5(_NAMESPACE, f"{self._table}/{change.intent}"))}

    def write(self, change: Change, note: str) -> bool:
        try:
            return super().write(change, note)
        except ClientError as error:
            if error.response["Error"]["Code"] != "IdempotentParameterMismatchException":
                raise
            return True  # the intent was carried out under its token, with other values (S-18)
