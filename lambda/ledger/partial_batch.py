"""The poison handler, which reports the record that it could not handle instead of failing its whole batch.

Exactly-once for every item but a poisoned one, if the mapping has ReportBatchItemFailures; without that setting the
answer is ignored (S-76), and what it reports is lost. It stops at the first failure: the mapping redelivers everything
from the lowest reported record on (S-75), and going on would apply later changes of an item before earlier ones.
"""

from __future__ import annotations

from typing import Any

from effects import changes
from poison import apply


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    for record in changes(event):
        try:
            apply(record)
        except Exception as error:
            number = record["dynamodb"]["SequenceNumber"]
            print(f"record {number} failed: {error!r}")
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
