"""The writer patterns that a scenario can name."""

from harness.workloads.base import Writer
from harness.workloads.blind_create import BlindCreate
from harness.workloads.blind_versioned_put import BlindVersionedPut
from harness.workloads.create_once import CreateOnce
from harness.workloads.put import Put
from harness.workloads.stamped_put import StampedPut
from harness.workloads.versioned_put import VersionedPut

WRITERS: dict[str, type[Writer]] = {
    "blind_create": BlindCreate,
    "blind_versioned_put": BlindVersionedPut,
    "create_once": CreateOnce,
    "put": Put,
    "stamped_put": StampedPut,
    "versioned_put": VersionedPut,
}
