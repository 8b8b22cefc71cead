"""The capacity that a write says it has used: answered where it is asked for, and limited nowhere."""

from __future__ import annotations

from harness.services.expressions import Body
from harness.services.item_storage import Touch


def consumed_capacity(body: Body, touches: list[Touch], units: int) -> Body:
    if body.get("ReturnConsumedCapacity", "NONE") == "NONE":
        return {}
    return {"ConsumedCapacity": {"TableName": touches[0].table, "CapacityUnits": float(units * len(touches))}}


def consumed_capacities(body: Body, touches: list[Touch], units: int) -> Body:
    tables = list(dict.fromkeys(touch.table for touch in touches))
    by_table = [[touch for touch in touches if touch.table == table] for table in tables]
    found = [consumed_capacity(body, group, units) for group in by_table]
    return {"ConsumedCapacity": [capacity["ConsumedCapacity"] for capacity in found]} if any(found) else {}
