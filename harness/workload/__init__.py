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
        "batch_put": "harness.workload.put:BatchPut",
        "blind_batch_put": "harness.workload.put:BlindBatchPut",
        "blind_create": "harness.workload.conditional:BlindCreate",
        "blind_transact_add": "harness.workload.conditional:BlindTransactAdd",
        "blind_versioned_put": "harness.workload.conditional:BlindVersionedPut",
        "create_once": "harness.workload.conditional:CreateOnce",
        "expiring_put": "harness.workload.put:ExpiringPut",
        "put": "harness.workload.put:Put",
        "put_then_delete": "harness.workload.put:PutThenDelete",
        "stamped_put": "harness.workload.put:StampedPut",
        "transact_add": "harness.workload.conditional:TransactAdd",
        "update_add": "harness.workload.conditional:UpdateAdd",
        "update_set": "harness.workload.conditional:UpdateSet",
        "versioned_put": "harness.workload.conditional:VersionedPut",
    }
)
# The writers for a Kinesis stream; all others need a table.
STREAM_WRITERS: LazyTable[type[Writer]] = LazyTable({"put": "harness.workload.put:PutRecord"})
