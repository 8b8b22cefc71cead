"""The batched handler with one bug: it takes a BatchWriteItem without an error for one that wrote everything (S-23).

Shown by one fault: a batch of which AWS leaves a part unprocessed (lost).
"""

from __future__ import annotations

from typing import Any

from effects import EFFECTS, changes, dynamodb, intent_of, row

AT_ONCE = 25


def handler(event: dict[str, Any], context: Any) -> None:
    rows = {intent_of(record): row(record, effect=intent_of(record)) for record in changes(event)}
    requests = [{"PutRequest": {"Item": each}} for each in rows.values()]
    for start in range(0, len(requests), AT_ONCE):
        dynamodb.batch_write_item(RequestItems={EFFECTS: requests[start : start + AT_ONCE]})
