"""Puts the effects of a whole batch under the keys of their intents in one call, and sends again what was left (S-23).

Exactly-once as `business_key` is, as long as it does not stop before nothing is left: a BatchWriteItem that succeeds
may have written a part. It takes no conditions, so that the rows must be safe to write again, and it keeps no order:
where the order of an item's effects matters, it is not the right call.
"""

from __future__ import annotations

import time
from typing import Any

from effects import EFFECTS, Row, changes, dynamodb, intent_of, row

AT_ONCE = 25  # AWS takes no more in one call
PAUSE_SECONDS = 0.05


def handler(event: dict[str, Any], context: Any) -> None:
    # By key, because AWS refuses a batch that has one twice.
    rows = {intent_of(record): row(record, effect=intent_of(record)) for record in changes(event)}
    left = list(rows.values())
    while left:
        left = write(left[:AT_ONCE]) + left[AT_ONCE:]


def write(rows: list[Row]) -> list[Row]:
    """Returns what AWS has left."""
    requests = [{"PutRequest": {"Item": each}} for each in rows]
    answer = dynamodb.batch_write_item(RequestItems={EFFECTS: requests})
    left = [request["PutRequest"]["Item"] for request in answer["UnprocessedItems"].get(EFFECTS, [])]
    if left:
        time.sleep(PAUSE_SECONDS)
    return left
