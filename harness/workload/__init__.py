"""The workload: the changes to make (`items`), the writer patterns that make them, and the processes (`client`).

Each process makes its changes one after another with a writer pattern, and records what it learns of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_table import LazyTable

if TYPE_CHECKING:
    from harness.workload.base import Writer

WRITERS: LazyTable[type[Writer]] = LazyTable(
    {
        "batch_put": "harness.workload.writers:BatchPut",
        "blind_batch_put": "harness.workload.writers:BlindBatchPut",
        "blind_create": "harness.workload.writers:BlindCreate",
        "blind_transact_add": "harness.workload.writers:BlindTransactAdd",
        "blind_versioned_put": "harness.workload.writers:BlindVersionedPut",
        "create_once": "harness.workload.writers:CreateOnce",
        "expiring_put": "harness.workload.writers:ExpiringPut",
        "put": "harness.workload.writers:Put",
        "put_then_delete": "harness.workload.writers:PutThenDelete",
        "stamped_put": "harness.workload.writers:StampedPut",
        "transact_add": "harness.workload.writers:TransactAdd",
        "update_add": "harness.workload.writers:UpdateAdd",
        "update_set": "harness.workload.writers:UpdateSet",
        "versioned_put": "harness.workload.writers:VersionedPut",
    }
)
# The writers for a Kinesis stream; all others need a table.
STREAM_WRITERS: LazyTable[type[Writer]] = LazyTable({"put": "harness.workload.writers:PutRecord"})
