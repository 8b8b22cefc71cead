"""Services that are not imitated take what is sent to them, and each request is an effect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.platforms.base import Request
from harness.platforms.endpoints import Accepting


def accepting(service: str) -> tuple[Accepting, list[tuple[str, bytes]]]:
    applied: list[tuple[str, bytes]] = []
    return Accepting(service, Seed(0), lambda: 2_000_000, applied), applied


def sent(service: str, operation: str, **content: Any) -> Request:
    return Request(service, operation, "POST", "https://there/", {}, json.dumps(content).encode())


def test_an_answer_has_the_shape_of_the_model() -> None:
    """Numbers are nothing, so that no entry has failed; identifiers are made from the seed."""
    service, applied = accepting("eventbridge")
    answer = json.loads(service.handle(sent("eventbridge", "PutEvents", Entries=[{"Detail": "{}"}])).body)
    assert answer == {"FailedEntryCount": 0, "Entries": []}
    assert applied == [("eventbridge.PutEvents", b'{"Entries": [{"Detail": "{}"}]}')]


def test_an_execution_of_the_same_name_is_the_same() -> None:
    """With another input it is refused; without a name each is one of its own."""
    service, applied = accepting("sfn")
    first = sent("sfn", "StartExecution", stateMachineArn="a", name="n", input="1")
    assert service.handle(first).body == service.handle(first).body
    other = service.handle(sent("sfn", "StartExecution", stateMachineArn="a", name="n", input="2"))
    assert (other.status, json.loads(other.body)["__type"]) == (400, "ExecutionAlreadyExists")
    assert len(applied) == 1
    for _ in range(2):
        service.handle(sent("sfn", "StartExecution", stateMachineArn="a"))
    assert len(applied) == 3


def test_a_token_that_came_before_is_no_second_effect() -> None:
    """As botocore's model names it."""
    service, applied = accepting("batch")
    for token in ("t", "t", "u"):
        service.handle(sent("batch", "SubmitServiceJob", jobName="j", clientToken=token))
    assert len(applied) == 2


@pytest.mark.parametrize("operation", ["GetParameter", "DescribeParameters", "DeleteParameter"])
def test_what_reads_or_changes_is_refused(operation: str) -> None:
    """Its answer would have to be known."""
    service, applied = accepting("ssm")
    with pytest.raises(NotImitated, match=f"ssm.{operation} is not imitated"):
        service.handle(sent("ssm", operation, Name="a"))
    assert applied == []


def test_a_service_that_nobody_knows_is_refused() -> None:
    """By its name."""
    with pytest.raises(NotImitated, match="nobodys is not imitated"):
        accepting("nobodys")
