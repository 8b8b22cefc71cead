"""The pipeline as a CloudFormation stack: the user's template with the agent around the handler.

Names of tables, sinks and functions are set to those of the Stack, so that nothing has to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.agent.process import CONTROL, ENTRY, HANDLER
from harness.documents import load_template
from harness.pipeline import sam
from harness.pipeline.intrinsics import mentioned
from harness.pipeline.node import code_folder
from harness.pipeline.package import unpacked, zipped
from harness.pipeline.resources import BY_HARNESS, RESOURCE_TYPES, DataStream, Resource, Topic
from harness.pipeline.stack import LEDGER, Function, Stack
from harness.platforms.deployed.cloudformation import StackRequest, run_tags

_KEY = "function.zip"


def body(stack: Stack, control: str, bucket: str, urls: dict[str, str]) -> dict[str, Any]:
    """The template that is deployed: the user's, without its triggers, with the agent and the run's names in it.

    urls: those of the endpoints, by their variables.
    """
    template: dict[str, Any] = sam.in_json(sam.cloudformation(load_template(stack.template), stack.parameters).value)
    resources, tags = template["Resources"], run_tags()
    names = {resource.logical_id: resource.name for resource in _named(stack)}
    for logical_id, name in names.items():
        properties = resources[logical_id].setdefault("Properties", {})
        properties[RESOURCE_TYPES[resources[logical_id]["Type"]].name_property] = name
        # LocalStack does not pass a stack's tags on to its resources.
        properties["Tags"] = [*properties.get("Tags", ()), *tags]
    for topic in stack.of(Topic, LEDGER):
        resources.update(topic_inbox(topic, tags))
    function = resources[stack.function.logical_id]["Properties"]
    function["Code"] = {"S3Bucket": bucket, "S3Key": _KEY}
    for logical_id in stack.other_code:
        resources[logical_id]["Properties"]["Code"] = {"S3Bucket": bucket, "S3Key": _key_of(logical_id)}
    function["Handler"] = ENTRY if stack.function.has_agent else stack.function.handler
    function["Runtime"] = stack.function.runtime
    function["Timeout"] = stack.function.timeout
    variables = function.setdefault("Environment", {}).setdefault("Variables", {})
    variables_of_function = {name: value for name, value in stack.function.environment.items() if name not in variables}
    of_agent = {CONTROL: control, HANDLER: stack.function.handler} if stack.function.has_agent else {}
    variables.update({**variables_of_function, **urls, **of_agent})
    of_mapping = resources[stack.mapping_id]["Properties"]
    of_mapping.update(stack.mapping.properties(of_mapping))
    for (
        mapping_id
    ) in stack.other_mapping_ids:  # only one pipeline is measured: the mappings of other functions are disabled
        resources[mapping_id]["Properties"]["Enabled"] = False
    if stack.function.role_id:
        policies = resources[stack.function.role_id]["Properties"].setdefault("Policies", [])
        policies.append(_agent_policy(control))
    idle = [*stack.other_mapping_ids, *([stack.mapping_id] if stack.mapping.by == BY_HARNESS else [])]
    return strip_triggers(template, names if stack.mapping_id in idle else (*names, stack.mapping_id), idle)


def _named(stack: Stack) -> tuple[Resource | Function, ...]:
    return (*stack.resources, stack.function)


def request(stack: Stack, control: str, bucket: str, urls: dict[str, str]) -> StackRequest:
    """The stack of a run."""
    template = body(stack, control, bucket, urls)
    needed = {name: "set-by-harness" for name in template.get("Parameters", {}) if name not in stack.parameters}
    return StackRequest(stack.name, stack.template, template, {**stack.parameters, **needed}, run_tags())


def names(stack: Stack) -> list[str]:
    """Everything that a run creates, in words."""
    return [
        f"stack {stack.name}, with its role and its mapping",
        *(f"{_noun(each)} {each.name}" for each in _named(stack)),
        *(f"queue {topic.inbox.name}" for topic in stack.of(Topic, LEDGER)),
        f"table {control_of(stack.name)}",
        f"bucket {bucket_of(stack.name)}",
    ]


def _noun(resource: object) -> str:
    return "Kinesis stream" if isinstance(resource, DataStream) else type(resource).__name__.lower()


def packages(stack: Stack) -> dict[str, Path]:
    """The zips of the stack's functions, by their keys in the bucket."""
    others = {
        _key_of(logical_id): unpacked(folder).with_suffix(".zip") for logical_id, folder in stack.other_code.items()
    }
    function = stack.function
    return {_KEY: zipped(code_folder(function), function.runtime, function.handler), **others}


def _key_of(logical_id: str) -> str:
    return f"{logical_id}.zip"


def bucket_of(name: str) -> str:
    """The bucket with the code of a stack's functions."""
    return f"{name}-code"


def control_of(name: str) -> str:
    """The control table of a stack, which belongs to the harness."""
    return f"{name}-control"


def _agent_policy(control: str) -> dict[str, Any]:
    """What the agent may do, in addition to the function."""
    actions = ("PutItem", "UpdateItem")
    table = f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{control}"
    return {
        "PolicyName": "harness-agent",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [f"dynamodb:{action}" for action in actions],
                    "Resource": {"Fn::Sub": table},
                }
            ],
        },
    }


# Writers write to the source itself. LocalStack as `harness up` starts it has no service for APIs and schedules, and a
# schedule would invoke the function during a run.
_TRIGGERS = ("AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Events::", "AWS::Scheduler::")


def strip_triggers(template: dict[str, Any], needed: Iterable[str], idle: Iterable[str] = ()) -> dict[str, Any]:
    """The template without triggers and what depends on them; unchanged where something needed depends on them.

    idle: the logical ids of the mappings that are not to deliver, which go too: LocalStack 4.14 never removes one that
    is disabled when its stack is deleted.
    """
    resources = template["Resources"]
    mentions = {name: set(mentioned(resource)) for name, resource in resources.items()}
    gone = {name for name, resource in resources.items() if str(resource["Type"]).startswith(_TRIGGERS)} | set(idle)
    while more := {name for name, others in mentions.items() if others & gone} - gone:
        gone |= more
    if gone.intersection(needed):
        return template
    outputs = {
        name: output for name, output in (template.get("Outputs") or {}).items() if not gone & set(mentioned(output))
    }
    remaining = {name: resource for name, resource in resources.items() if name not in gone}
    return {**template, "Resources": remaining} | ({"Outputs": outputs} if "Outputs" in template else {})


def topic_inbox(topic: Topic, tags: list[dict[str, str]]) -> dict[str, Any]:
    """A queue of the harness's own that subscribes to the topic, as a topic keeps nothing: resources by logical id."""
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
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": topic.inbox.name, "Tags": tags}},
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
