"""The idempotent handler with one bug: it catches every exception, and acknowledges the batch all the same.

Shown by one fault: an effect that is refused with an error that the SDK does not retry, such as
TransactionConflictException (S-10), and never comes again (lost).
"""

from __future__ import annotations

import contextlib
from typing import Any

from effects import EFFECTS, changes, intent_of, put_if_absent, row


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        with contextlib.suppress(Exception):
            put_if_absent(EFFECTS, "effect", row(record, effect=intent_of(record)))
