"""The writer patterns that a scenario can name."""

from harness.workloads.base import BatchWriter, Writer
from harness.workloads.batch_put import BatchPut
from harness.workloads.blind_batch_put import BlindBatchPut
from harness.workloads.blind_create import BlindCreate
from harness.workloads.blind_transact_add import BlindTransactAdd
from harness.workloads.blind_versioned_put import BlindVersionedPut
from harness.workloads.create_once import CreateOnce
from harness.workloads.expiring_put import ExpiringPut
from harness.workloads.put import Put
from harness.workloads.put_record import PutRecord
from harness.workloads.put_then_delete import PutThenDelete
from harness.workloads.stamped_put import StampedPut
from harness.workloads.transact_add import TransactAdd
from harness.workloads.update_add import UpdateAdd
from harness.workloads.update_set import UpdateSet
from harness.workloads.versioned_put import VersionedPut

WRITERS: dict[str, type[Writer | BatchWriter]] = {
    "batch_put": BatchPut,
    "blind_batch_put": BlindBatchPut,
    "blind_create": BlindCreate,
    "blind_transact_add": BlindTransactAdd,
    "blind_versioned_put": BlindVersionedPut,
    "create_once": CreateOnce,
    "expiring_put": ExpiringPut,
    "put": Put,
    "put_then_delete": PutThenDelete,
    "stamped_put": StampedPut,
    "transact_add": TransactAdd,
    "update_add": UpdateAdd,
    "update_set": UpdateSet,
    "versioned_put": VersionedPut,
}
# What a word means where the source is a Kinesis stream; the other writers need a table.
STREAM_WRITERS: dict[str, type[Writer | BatchWriter]] = {"put": PutRecord}
