"""Wraps the effect of each record in the idempotency of Powertools for AWS Lambda, keyed by the intent (P-08, P-09).

    lock: put the marker, in progress, if there is none that counts ─► the effect ─► mark as done, with the answer

Exactly-once for deliveries, one after another or at once, while the marker counts and nothing ends the execution
between effect and mark. Not exactly-once when it crashes or times out there: the marker is in progress until the
execution would have timed out, every delivery until then raises, and the first one after it makes the effect again.
Nor when a delivery comes after EXPIRES_AFTER_SECONDS (an hour unless set; a stream keeps records for 24). When the
reply to the lock is lost, its repetition meets its own lock, and raises until that time too: with few retries the
effect is lost.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from effects import MARKERS, Record, append, changes, dynamodb

store = DynamoDBPersistenceLayer(table_name=MARKERS, key_attr="marker", boto3_client=dynamodb)
config = IdempotencyConfig(
    event_key_jmespath="dynamodb.NewImage.intent.S",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=int(os.environ.get("EXPIRES_AFTER_SECONDS", "3600")),
)


def handler(event: dict[str, Any], context: Any) -> None:
    # Without the context a lock has no end of its own, and blocks as long as a marker lives.
    config.register_lambda_context(context)
    for record in changes(event):
        apply(record=record)


@idempotent_function(data_keyword_argument="record", config=config, persistence_store=store)
def apply(record: Record) -> None:
    append(record, effect=str(uuid.uuid4()))
