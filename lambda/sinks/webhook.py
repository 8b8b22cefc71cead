"""Posts every record that it is handed to an HTTP endpoint, and says nothing by which the endpoint could know it again.

Never exactly-once: whenever a record is delivered again, it is posted again, also when only the reply was lost. A
timeout of the request says nothing about what the endpoint did.
"""

from __future__ import annotations

from typing import Any

from changes import changes, message
from post import post


def handler(event: dict[str, Any], context: Any) -> None:
    for record in changes(event):
        post(message(record))
