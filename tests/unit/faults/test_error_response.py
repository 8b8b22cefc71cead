"""`refuse`: AWS answers with an error, and only with one that the call has."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from harness.errors import Mistakes
from harness.faults.actions import CancelTransaction, Refuse
from harness.faults.points import ANSWERED_BY, BEFORE, ERRORS, Point, answers
from harness.faults.wire import ErrorResponse
from harness.scenario.fault_entry import CALLS, parse_fault

TRANSACT = "dynamodb.TransactWriteItems"


@pytest.mark.parametrize("call", CALLS)
def test_a_call_has_the_errors_of_its_service_model(call: str) -> None:
    """botocore's model of the service names the same ones; what all services have in common stands in none."""
    service, _, operation = call.partition(".")
    model = botocore.session.get_session().get_service_model(service)
    having = {shape.name for shape in model.operation_model(operation).error_shapes}
    assert {code for code in ANSWERED_BY if answers(call, code)} == having & ANSWERED_BY.keys()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"call": TRANSACT, "code": "TransactionConflictException"},
            f"{TRANSACT} never answers with TransactionConflictException. A conflict cancels the transaction, with a "
            "reason. Did you mean 'TransactionCanceledException'?",
        ),
        ({"call": "dynamodb.Query", "code": "TransactionCanceledException"}, "dynamodb.Query never answers with "),
        ({"call": "dynamodb.PutItem", "code": "TooManyRequestsException"}, "dynamodb.PutItem never answers with "),
        ({"call": "lambda.Invoke", "code": "InternalServerError"}, "lambda.Invoke never answers with "),
        ({"call": "sqs.SendMessage", "code": "RequestLimitExceeded"}, "sqs.SendMessage never answers with "),
        ({"call": TRANSACT, "reason": "throttle"}, "reason goes with code: TransactionCanceledException"),
        ({"call": TRANSACT, "operation": 1}, "operation goes with code: TransactionCanceledException"),
        ({"call": TRANSACT, "code": "TransactionCanceledException", "operation": 100}, "a number from 0 to 99"),
    ],
)
def test_an_error_that_the_call_never_has_is_a_mistake(fields: dict[str, Any], message: str) -> None:
    """It is told before the run, with what the call can answer."""
    with pytest.raises(Mistakes) as caught:
        parse_fault({"refuse": fields})
    assert message in str(caught.value)


def point(call: str) -> Point:
    return Point("function/1", call, BEFORE)


def test_an_aim_at_many_calls_fires_only_at_those_that_have_the_error() -> None:
    """A conflict at a transaction cancels it, as on AWS."""
    conflict = parse_fault({"refuse": {"call": "dynamodb.*", "code": "TransactionConflictException"}})
    assert isinstance(conflict, ErrorResponse)
    assert not conflict.matches(point("dynamodb.Query"))
    assert conflict.matches(point("dynamodb.PutItem"))
    assert conflict.matches(point(TRANSACT))
    assert conflict.decide(point("dynamodb.PutItem")) == Refuse(400, conflict.code, ERRORS[conflict.code][1])
    assert conflict.decide(point(TRANSACT)) == CancelTransaction(
        "TransactionConflict", "Transaction is ongoing for the item.", 0
    )
