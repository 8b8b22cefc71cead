"""Which records a platform's own mapping is done with, as far as the function and the on-failure queue tell. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from harness.dead_letter import batch_told
from harness.history import INVOKE, OK
from harness.mapping import FOREVER, Mapping


def processed(
    operations: Iterable[dict[str, Any]],
    dead_letters: Iterable[dict[str, Any]],
    mapping: Mapping,
    counts: bool = False,
) -> Callable[[str, str], bool]:
    """A test for a shard's sequence number.

    counts: whether a record was given up after as many failures as the mapping allows, because nothing else tells.
    """
    done: set[int] = set()
    failed: Counter[int] = Counter()
    for operation in operations:
        if operation["f"] == "execute" and operation["type"] != INVOKE:
            well = operation["type"] == OK
            acknowledged = _acknowledged(operation["value"], mapping.report_batch_item_failures) if well else []
            done.update(acknowledged)
            failed.update({int(number) for number in operation["value"]["sequence_numbers"]} - {*acknowledged})
    if counts and mapping.maximum_retry_attempts != FOREVER:
        done.update(number for number, times in failed.items() if times > mapping.maximum_retry_attempts)
    batches = [batch_told(letter) for letter in dead_letters]
    spans = [
        (batch["shardId"], int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])) for batch in batches
    ]

    def is_processed(shard: str, number: str) -> bool:
        given_up = any(shard == where and start <= int(number) <= end for where, start, end in spans)
        return given_up or int(number) in done

    return is_processed


def _acknowledged(execution: dict[str, Any], reports: bool) -> list[int]:
    """The lowest reported number is the checkpoint (S-75); a report of what is not in the batch fails it (S-74)."""
    numbers = [int(number) for number in execution["sequence_numbers"]]
    reported = execution["reported"] if reports else []
    if any(str(name) not in map(str, numbers) and name not in execution["sequence_numbers"] for name in reported):
        return []
    return [number for number in numbers if all(number < int(name) for name in reported)]
