"""The idempotent handler with one bug: it tries an effect twice, and then acknowledges the batch all the same.

Shown by two faults: an effect that is refused, with an error that the SDK does not retry (S-10), on both tries (lost).
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from effects import EFFECTS, changes, intent_of, put_if_absent, row

TRIES = 2


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        for _ in range(TRIES):
            try:
                put_if_absent(EFFECTS, "effect", row(record, effect=intent_of(record)))
            except ClientError as error:
                print(f"{intent_of(record)}: {error}")
            else:
                break
