"""What a change of one item writes into its table's stream: pure, from the images before and after."""

from __future__ import annotations

from typing import Any

from harness.services.attribute_value import Item, size

VIEW_TYPES = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
MICROSECONDS = 1_000_000

Record = dict[str, Any]


def event_name(before: Item | None, after: Item | None) -> str | None:
    """INSERT, MODIFY or REMOVE; None where the item is the same by value (S-31 to S-37), which writes no record.

    Images are in the one spelling of attribute_value.canonical: there number spelling, set order and map key order
    cannot differ, and list order still does (S-34).
    """
    if before == after:
        return None
    if before is None:
        return "INSERT"
    return "REMOVE" if after is None else "MODIFY"


def stream_record(
    view_type: str, keys: Item, before: Item | None, after: Item | None, sequence_number: str, event_id: str, now: int
) -> Record | None:
    """The record as GetRecords answers it, or None where nothing changed.

    `now` is in microseconds since the Unix epoch; the record carries whole seconds (S-57). A change of a non-key
    attribute writes a record under KEYS_ONLY too (S-45).
    """
    name = event_name(before, after)
    if name is None:
        return None
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": now // MICROSECONDS,
        "Keys": keys,
        "SequenceNumber": sequence_number,
        "SizeBytes": size(keys),
        "StreamViewType": view_type,
    }
    for image, content, views in (
        ("NewImage", after, ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")),
        ("OldImage", before, ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")),
    ):
        if content is not None and view_type in views:
            change[image] = content
            change["SizeBytes"] += size(content)
    return {
        "eventID": event_id,
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
    }
