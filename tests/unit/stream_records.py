"""Stream records, batches and answers for the tests of the redelivery rules."""

from __future__ import annotations

from harness.delivery.redelivery import SUCCEEDED, Batch, InvocationResult
from harness.delivery.sources import DynamoDBStream, sequence_numbers

NOW = 1_900_000_000  # seconds since the epoch


def record(number, created=NOW, item="todo-1", note="", **changed):
    change = {
        "ApproximateCreationDateTime": float(created),
        "Keys": {"id": {"S": item}},
        "NewImage": {"note": {"S": note}},
        "SequenceNumber": str(number),
    }
    event = {"eventID": f"e{number}", "eventName": "INSERT", "dynamodb": {**change, **changed}}
    return DynamoDBStream().record(event)


def batch(*numbers, **counts):
    return Batch(tuple(record(number) for number in numbers), **counts)


def reported(*identifiers):
    return InvocationResult(SUCCEEDED, {"batchItemFailures": [{"itemIdentifier": one} for one in identifiers]})


def told(decision):
    """A decision as sequence numbers: done, the batches to retry, discarded."""
    discarded = decision.discard.batch.records if decision.discard else ()
    retries = [sequence_numbers(retry.records) for retry in decision.retry]
    return sequence_numbers(decision.done), retries, sequence_numbers(discarded)
