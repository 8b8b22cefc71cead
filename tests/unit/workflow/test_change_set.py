"""Changes of a stack in words: what CloudFormation tells, and what only the two templates do."""

from __future__ import annotations

import pytest

from harness.workflow.deployment import ResourceChange, changes

BEFORE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1, "FifoQueue": True}}}}
AFTER = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 2, "KmsMasterKeyId": "k"}}}}


def told(action: str, **more: object) -> dict[str, object]:
    return {"Action": action, "LogicalResourceId": "Queue", "ResourceType": "AWS::SQS::Queue", **more}


@pytest.mark.parametrize(
    "what, line",
    [
        (told("Add", Replacement="True"), "+ Queue AWS::SQS::Queue: is made anew: what it holds is lost"),
        (told("Add"), "+ Queue AWS::SQS::Queue"),
        (told("Remove"), "- Queue AWS::SQS::Queue"),
        (told("Import"), "Import Queue AWS::SQS::Queue"),
        (told("Modify"), "~ Queue AWS::SQS::Queue: DelaySeconds, FifoQueue, KmsMasterKeyId"),
        (
            told("Modify", Replacement="True", Details=[{"Target": {"Name": "QueueName"}}, {"Target": {}}]),
            "~ Queue AWS::SQS::Queue: DelaySeconds, FifoQueue, KmsMasterKeyId, QueueName: is made anew: what it holds "
            "is lost",
        ),
    ],
)
def test_a_change_is_a_line(what: dict[str, object], line: str) -> None:
    """The sign of what is done, the resource, and the properties that differ."""
    assert [str(change) for change in changes([what], BEFORE, AFTER)] == [line]


def test_a_resource_that_is_in_neither_template_has_no_properties() -> None:
    """As one that a macro makes."""
    assert changes([told("Modify")], {}, {}) == [ResourceChange("Modify", "Queue", "AWS::SQS::Queue")]
