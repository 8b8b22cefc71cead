"""Appends a row under a fresh name for every record, from either source.

Exactly-once only as long as there is one record for each change and each is delivered once. A table's stream has one,
even where a PutItem is repeated (S-31). A Kinesis stream has one for each PutRecord, the SDK's repetitions too (S-55).
"""

from __future__ import annotations

import uuid
from typing import Any

from change import append, changes


def handler(event: dict[str, Any], context: Any) -> None:
    for _, todo in changes(event):
        append(str(uuid.uuid4()), todo)
