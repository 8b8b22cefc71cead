"""Names the effect after the record's eventID, and puts it only if it is not there yet, from either source (P-06).

Exactly-once for each record, however often it is delivered. Not exactly-once for each change: in a Kinesis stream a
PutRecord that was repeated is two records with two eventIDs, which no handler can tell to be one by them (S-55).
"""

from __future__ import annotations

from typing import Any

from change import changes, put_if_absent


def handler(event: dict[str, Any], context: Any) -> None:
    for record, todo in changes(event):
        put_if_absent(record["eventID"], todo)
