"""The idempotent handler, which takes SECONDS_PER_RECORD (1 unless set) over every record.

Exactly-once (see `idempotent`) for as much of a batch as fits into the function's timeout: a batch that takes longer
is redelivered whole, and never ends.
"""

from __future__ import annotations

import os
import time
from typing import Any

from effects import changes
from idempotent import apply

SECONDS_PER_RECORD = float(os.environ.get("SECONDS_PER_RECORD", "1"))


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        time.sleep(SECONDS_PER_RECORD)
        apply(record)
