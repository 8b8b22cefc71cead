"""A topic keeps nothing, so the harness subscribes a queue of its own to it: what was published is read there."""

from __future__ import annotations

from typing import Any

from harness.stores import Topic


def resources(topic: Topic, tag: dict[str, str]) -> dict[str, Any]:
    """What is added to the template for it, by logical ids. The topic must be allowed to send to the queue."""
    name = topic.inbox.logical_id
    arn = {"Fn::GetAtt": [name, "Arn"]}
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Ref": topic.logical_id}}},
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    subscription = {"TopicArn": {"Ref": topic.logical_id}, "Protocol": "sqs", "Endpoint": arn}
    return {
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": topic.inbox.name, "Tags": [tag]}},
        f"{name}Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": name}], "PolicyDocument": policy},
        },
        f"{name}Subscription": {
            "Type": "AWS::SNS::Subscription",
            "DependsOn": f"{name}Policy",
            "Properties": subscription,
        },
    }
