"""Appends a row under a fresh name for every record that it is handed.

Never exactly-once, only as often as it is called: whenever a record is delivered again, its effect is there twice.
"""

from __future__ import annotations

import uuid
from typing import Any

from effects import append, changes


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        append(record, effect=str(uuid.uuid4()))
