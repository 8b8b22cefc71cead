"""Points, where a fault may act, with the errors that AWS can answer with there, and the draws by which it fires.

A point is named by process, call and intent, never by a global counter, and draws of a run's seed by such names too.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias

When = Literal["before", "after"]
BEFORE, AFTER = "before", "after"

# Places in the life of a writer, a function or a delivery, which stand where a point otherwise has an AWS call.
OPERATION = "operation"  # a writer's whole operation, with the SDK's retries
HANDLE = "handle"  # before: the handler is about to run
ACKNOWLEDGE = "acknowledge"  # before: the handler has returned; after: its answer was handed over
DELIVER = "deliver"  # one delivery of a batch; after: it was acknowledged
EFFECT = "effect"  # any call that lands an effect at a sink
# The calls that may carry out a part of their request.
BATCH_CALLS = ("dynamodb.BatchWriteItem", "kinesis.PutRecords", "sns.PublishBatch", "sqs.SendMessageBatch")
WRITER, FUNCTION, DISPATCHER = "writer", "function", "dispatcher"
PLACES = (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER, EFFECT)


@dataclass(frozen=True, slots=True)
class Point:
    """`occurrence` counts from 1 the points of a run with the same role, call, when and intents.

    `items` are the ids of the items, `effect` is whether the call writes to a sink, `attempt` is the SDK's attempt
    (from 1), `time` is in microseconds since the run began.
    """

    process: str
    call: str
    when: str
    time: int = 0
    intents: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    effect: bool = False
    attempt: int = 1
    occurrence: int = 1

    @property
    def role(self) -> str:
        return self.process.partition("/")[0]

    @property
    def name(self) -> str:
        """Stable across runs: executions and deliveries are named by what they carry, not by their number."""
        process = self.process if self.role == "writer" else self.role
        subject = "+".join(self.intents) or "-"
        return f"{process} {self.when} {self.call} {subject} #{self.occurrence}"


CONFLICT, CANCELED = "TransactionConflictException", "TransactionCanceledException"
TRANSACTIONS = ("dynamodb.ExecuteTransaction", "dynamodb.TransactGetItems", "dynamodb.TransactWriteItems")
_CANCELED = "Transaction cancelled, please refer cancellation reasons for specific reasons"
_THROUGHPUT = "The level of configured provisioned throughput for the table was exceeded."
# Code: (HTTP status, message). Source: the error lists of the API references of DynamoDB and Lambda.
ERRORS: dict[str, tuple[int, str]] = {
    "ProvisionedThroughputExceededException": (400, _THROUGHPUT),
    "ThrottlingException": (400, "Rate of requests exceeds the allowed throughput."),
    "RequestLimitExceeded": (400, "Throughput exceeds the current throughput limit for your account."),
    "TransactionConflictException": (400, "Transaction is ongoing for the item"),
    "TransactionCanceledException": (400, _CANCELED),  # and the reasons
    "TransactionInProgressException": (400, "The transaction with the given request token is already in progress."),
    "TooManyRequestsException": (429, "Rate Exceeded."),
    "ServiceException": (500, "The AWS Lambda service encountered an internal error."),
    "InternalServerError": (500, "The request processing has failed because of an unknown error."),
    "ServiceUnavailable": (503, "The service is temporarily unavailable."),
}
# The only calls that answer with these errors (globs); the others are common to all services.
# Source: the errors of each operation in botocore's service models, which a test compares, and AWS's common errors.
ANSWERED_BY: dict[str, tuple[str, ...]] = {
    "TransactionConflictException": (
        "dynamodb.DeleteItem",
        "dynamodb.ExecuteStatement",
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
    ),
    "TransactionCanceledException": TRANSACTIONS,
    "TransactionInProgressException": ("dynamodb.ExecuteTransaction", "dynamodb.TransactWriteItems"),
    "TooManyRequestsException": ("lambda.Invoke",),
    "ServiceException": ("lambda.Invoke",),
    "ProvisionedThroughputExceededException": ("dynamodb.[!B]*", "dynamodb.Batch[GW]*", "kinesis.*"),
    "RequestLimitExceeded": ("dynamodb.*",),
    "InternalServerError": ("dynamodb.*", "dynamodbstreams.*"),
}
# Reason: (code, message). Source: the CancellationReasons in the API reference of TransactWriteItems.
REASONS: dict[str, tuple[str, str]] = {
    "conflict": ("TransactionConflict", "Transaction is ongoing for the item."),
    "throttle": ("ProvisionedThroughputExceeded", _THROUGHPUT),
    "condition": ("ConditionalCheckFailed", "The conditional request failed."),
}
if TYPE_CHECKING:
    Code: TypeAlias = str
    Reason: TypeAlias = str
else:  # the words of the tables, for the schema of a scenario
    Code, Reason = Literal[tuple(ERRORS)], Literal[tuple(REASONS)]


def answers(call: str, code: str) -> bool:
    """Whether a call can answer with this error."""
    return code not in ANSWERED_BY or any(fnmatchcase(call, having) for having in ANSWERED_BY[code])


_DRAW_BITS = 53


@dataclass(frozen=True, slots=True)
class Seed:
    """One integer from which every draw of a run follows.

    Draws are keyed, not sequential: the same key always gives the same draw, so that removing one fault does not
    change the draws of the others.
    """

    value: int

    def draw(self, *key: object) -> float:
        """A number in [0, 1)."""
        return (self._bits(key) >> (64 - _DRAW_BITS)) / (1 << _DRAW_BITS)

    def between(self, low: int, high: int, *key: object) -> int:
        """A whole number in [low, high]."""
        return low + int(self.draw(*key) * (high - low + 1))

    def random(self, *key: object) -> random.Random:
        """A generator for a sequence of draws."""
        return random.Random(self._bits(key))

    def _bits(self, key: tuple[object, ...]) -> int:
        text = "\x1f".join((str(self.value), *map(str, key)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class FiredFault:
    """A fault that fired: its index in the scenario, the name of the point, and the action."""

    fault: int
    point: str
    action: str
