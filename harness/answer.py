"""What a function's answer says about its batch (partial batch responses). Pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html, S-72…S-77.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.sources.base import Record
from harness.stream_event import sequence_numbers


@dataclass(frozen=True, slots=True)
class Answer:
    """How many records, from the first, are done; and whether the answer named a record of the batch, or none at all.

    An answer that is not `readable` fails the whole batch, as an exception does.
    """

    done: int
    readable: bool = True


UNREADABLE = Answer(0, readable=False)


def read(payload: Any, records: Sequence[Record]) -> Answer:
    """Reads an answer while ReportBatchItemFailures is on; without it the answer is not looked at (S-76).

    Success: null, an empty list, an object without `batchItemFailures` or with an empty or null one (S-72).
    Several identifiers: the lowest sequence number, as a number, is the first record that is not done (S-75).
    Anything else fails the whole batch: an identifier that is empty, null, misspelt or not in the batch (S-73, S-74),
    and, where AWS says nothing (S-77), any other type, because that promises less than success would.
    """
    if payload is None or payload == []:
        return Answer(len(records))
    if not isinstance(payload, dict):
        return UNREADABLE
    failures = payload.get("batchItemFailures")
    if failures is None or failures == []:
        return Answer(len(records))
    if not isinstance(failures, list):
        return UNREADABLE
    positions = {number: position for position, number in enumerate(sequence_numbers(records))}
    identifiers = [_identifier(failure) for failure in failures]
    if any(identifier not in positions for identifier in identifiers):
        return UNREADABLE
    return Answer(positions[min(identifiers, key=int)])


def _identifier(failure: Any) -> str:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return identifier if isinstance(identifier, str) else ""
