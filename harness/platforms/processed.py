"""Which records a platform's own mapping is done with, as far as the function and the on-failure queue tell. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from harness.dead_letter import batch_told
from harness.history import OK
from harness.mapping import Mapping


def processed(
    operations: Iterable[dict[str, Any]], dead_letters: Iterable[dict[str, Any]], mapping: Mapping
) -> Callable[[str, str], bool]:
    """A test for a shard's sequence number."""
    done: set[int] = set()
    for operation in operations:
        if operation["f"] == "execute" and operation["type"] == OK:
            done.update(_acknowledged(operation["value"], mapping.report_batch_item_failures))
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
