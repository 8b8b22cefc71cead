"""Blind versioned put: on a conflict read again and write again."""

from __future__ import annotations

from typing import ClassVar

from botocore.exceptions import ClientError

from harness.workloads.base import condition_failed, key_of
from harness.workloads.generator import Change
from harness.workloads.versioned_put import VersionedPut

_MAX_TRIES = 5


class BlindVersionedPut(VersionedPut):
    """Optimistic locking as it is often written: read the version, write, and on a conflict do both again. After a
    lost reply the conflict is with its own success, and the change is applied a second time (S-12)."""

    OPERATION: ClassVar[str] = "blind_versioned_put"

    def write(self, change: Change, note: str) -> bool:
        for _ in range(_MAX_TRIES):
            key = key_of(change)
            found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            try:
                self.put(change, note, expected=int(found.get("version", {"N": "0"})["N"]))
            except ClientError as error:
                if not condition_failed(error):
                    raise
            else:
                return True
        return False
