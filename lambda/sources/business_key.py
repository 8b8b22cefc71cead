"""Names the effect after its intent, and puts it only if it is not there yet, from either source (P-06, P-09).

Exactly-once at any crash, redelivery, lost reply or repeated write: two records of one change name one effect. It needs
a writer that names its changes, and names a repetition as it named the first.
"""

from __future__ import annotations

from typing import Any

from change import changes, put_if_absent


def handler(event: dict[str, Any], context: Any) -> None:
    for _, todo in changes(event):
        put_if_absent(todo["intent"], todo)
