"""A counting handler with one bug: it adds to the effect's count, and adding twice is not adding once (S-06, S-13).

Shown by one fault: a lost reply to the addition, which the SDK repeats, or a redelivery (duplicated: `count` is 2).
"""

from __future__ import annotations

from typing import Any

from effects import EFFECTS, changes, dynamodb, intent_of, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        columns = row(record, effect=intent_of(record))
        key = {"effect": columns.pop("effect")}
        dynamodb.update_item(
            TableName=EFFECTS,
            Key=key,
            UpdateExpression="ADD #count :one SET " + ", ".join(f"#{name} = :{name}" for name in columns),
            ExpressionAttributeNames={f"#{name}": name for name in ("count", *columns)},
            ExpressionAttributeValues={":one": {"N": "1"}, **{f":{name}": value for name, value in columns.items()}},
        )
