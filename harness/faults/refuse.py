"""Refuse: AWS answers with an error, and carries nothing out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.action import Action
from harness.action import Refuse as RefuseAction
from harness.faults.base import AWS_CALL, Fault
from harness.point import BEFORE, Point

# Code: (HTTP status, message). Source: the error lists of the API references of DynamoDB and Lambda.
ERRORS: dict[str, tuple[int, str]] = {
    "ProvisionedThroughputExceededException": (
        400,
        "The level of configured provisioned throughput for the table was exceeded.",
    ),
    "ThrottlingException": (400, "Rate of requests exceeds the allowed throughput."),
    "RequestLimitExceeded": (400, "Throughput exceeds the current throughput limit for your account."),
    "TransactionConflictException": (400, "Transaction is ongoing for the item"),
    "TooManyRequestsException": (429, "Rate Exceeded."),
    "InternalServerError": (500, "The request processing has failed because of an unknown error."),
    "ServiceUnavailable": (503, "The service is temporarily unavailable."),
}
Code = Literal[
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TooManyRequestsException",
    "InternalServerError",
    "ServiceUnavailable",
]


@dataclass(frozen=True, kw_only=True)
class Refuse(Fault):
    """AWS answers a call with an error (a throttle, a 5xx) and carries nothing out.

    code: the error's name.
    """

    NAME: ClassVar[str] = "refuse"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((AWS_CALL, BEFORE),)

    code: Code = "ThrottlingException"

    def decide(self, point: Point) -> Action | None:
        status, message = ERRORS[self.code]
        return RefuseAction(status, self.code, message)
