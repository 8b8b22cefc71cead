"""The errors that a fault can have AWS answer with, and which calls answer with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

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
    "InternalServerError": (500, "The request processing has failed because of an unknown error."),
    "ServiceUnavailable": (503, "The service is temporarily unavailable."),
}
# The only calls that answer with these errors; any call may answer with the others.
# Source: the errors of each operation in botocore's service models, which a test compares.
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
    return code not in ANSWERED_BY or call in ANSWERED_BY[code]
