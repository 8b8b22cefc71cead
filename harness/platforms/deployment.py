"""The pipeline as a CloudFormation stack: the user's template with the agent around the handler.

Names of tables, sinks and functions are set to those of the Stack, so that nothing has to be looked up.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping as Values
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from harness.agent.entry_names import CONTROL, ENTRY, HANDLER
from harness.errors import UserError
from harness.interrupt import held_back
from harness.mapping import BY_HARNESS, Mapping
from harness.package import zipped
from harness.platforms import inbox
from harness.platforms.entrances import without_entrances
from harness.sam import cloudformation
from harness.stack import LEDGER, Function, Stack
from harness.stores import Bucket, DataStream, Queue, Table, Topic
from harness.template_document import load
from harness.until import until

STACK_PREFIX = "harness-"
_KEY = "function.zip"
OWN_TAG = {"Key": "harness", "Value": "run"}
MAX_STACK_SECONDS = 120
_NAMED = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
}
_MAPPING = {
    "batch_size": "BatchSize",
    "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
    "starting_position": "StartingPosition",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
    "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
    "parallelization_factor": "ParallelizationFactor",
    "tumbling_window_in_seconds": "TumblingWindowInSeconds",
}


def body(stack: Stack, control: str, bucket: str, urls: dict[str, str]) -> dict[str, Any]:
    """The template that is deployed. What it does not name, and no way in from outside, is as the user wrote it.

    urls: those of the endpoints, by their variables.
    """
    template: dict[str, Any] = copy.deepcopy(cloudformation(load(stack.template), stack.parameters).content)
    resources = template["Resources"]
    names = {resource.logical_id: resource.name for resource in _named(stack)}
    for logical_id, name in names.items():
        properties = resources[logical_id].setdefault("Properties", {})
        properties[_NAMED[resources[logical_id]["Type"]]] = name
        properties["Tags"] = [*properties.get("Tags", ()), OWN_TAG]  # LocalStack does not hand a stack's tags on
    for topic in stack.topics_of(LEDGER):
        resources.update(inbox.resources(topic, OWN_TAG))
    function = resources[stack.function.logical_id]["Properties"]
    function["Code"] = {"S3Bucket": bucket, "S3Key": _KEY}
    for logical_id in stack.other_code:
        resources[logical_id]["Properties"]["Code"] = {"S3Bucket": bucket, "S3Key": _key_of(logical_id)}
    function["Handler"] = ENTRY if stack.function.has_agent else stack.function.handler
    function["Timeout"] = stack.function.timeout
    variables = function.setdefault("Environment", {}).setdefault("Variables", {})
    own = {name: value for name, value in stack.function.environment.items() if name not in variables}
    of_agent = {CONTROL: control, HANDLER: stack.function.handler} if stack.function.has_agent else {}
    variables.update({**own, **urls, **of_agent})
    resources[stack.mapping_id]["Properties"].update(_settings(stack.mapping))
    for mapping_id in stack.other_mapping_ids:  # one pipeline is measured: what feeds another function stands still
        resources[mapping_id]["Properties"]["Enabled"] = False
    if stack.function.role_id:
        policies = resources[stack.function.role_id]["Properties"].setdefault("Policies", [])
        policies.append(_agent_policy(control))
    idle = [*stack.other_mapping_ids, *([stack.mapping_id] if stack.mapping.by == BY_HARNESS else [])]
    return without_entrances(template, names if stack.mapping_id in idle else (*names, stack.mapping_id), idle)


def _named(stack: Stack) -> tuple[Table | DataStream | Queue | Bucket | Topic | Function, ...]:
    return (*stack.tables, *stack.data_streams, *stack.queues, *stack.buckets, *stack.topics, stack.function)


def create(client: Any, stack: Stack, template: dict[str, Any]) -> None:
    """Raises UserError with the reasons that CloudFormation gives when it cannot create the stack."""
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in stack.parameters.items()]
    needed = [name for name in template.get("Parameters", {}) if name not in stack.parameters]
    parameters += [{"ParameterKey": name, "ParameterValue": "set-by-harness"} for name in needed]
    with held_back():  # a stack that is asked for is there, or will never be, before anybody deletes it
        client.create_stack(
            StackName=stack.name,
            TemplateBody=json.dumps(template),
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Tags=[OWN_TAG],
        )
    status = _wait(client, stack.name)
    if status != "CREATE_COMPLETE":
        events = client.describe_stack_events(StackName=stack.name)["StackEvents"]
        reasons = [
            f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
            for e in events
            if "FAILED" in e["ResourceStatus"]
        ]
        raise UserError(f"{stack.template}: the stack {stack.name} ended as {status}: {'; '.join(reasons)}")


def delete(client: Any, s3: Any, name: str) -> None:
    """Waits for its creation first: LocalStack 4.14 would go on creating what is deleted already."""
    if _wait(client, name) != "DELETE_COMPLETE":
        for resource in client.describe_stack_resources(StackName=name)["StackResources"]:
            made = resource.get("PhysicalResourceId")
            if resource["ResourceType"] == "AWS::S3::Bucket" and made:
                _empty(s3, made)
        client.delete_stack(StackName=name)
        _wait(client, name)


def _empty(s3: Any, bucket: str) -> None:
    """A bucket that holds anything is not deleted with its stack."""
    with suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            objects = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            if objects:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def left_over(client: Any) -> list[str]:
    """The stacks that runs created and did not delete, because they were killed or are still on."""
    pages = client.get_paginator("describe_stacks").paginate()
    stacks = [stack for page in pages for stack in page["Stacks"] if stack["StackStatus"] != "DELETE_COMPLETE"]
    return [stack["StackName"] for stack in stacks if OWN_TAG in stack.get("Tags", [])]


def names(stack: Stack) -> list[str]:
    """Everything that a run creates, in words."""
    return [
        f"stack {stack.name}, with its role and its mapping",
        *(f"{_noun(each)} {each.name}" for each in _named(stack)),
        *(f"queue {topic.inbox.name}" for topic in stack.topics_of(LEDGER)),
        f"table {control_of(stack.name)}",
        f"bucket {bucket_of(stack.name)}",
    ]


def _noun(resource: object) -> str:
    return "Kinesis stream" if isinstance(resource, DataStream) else type(resource).__name__.lower()


def packages(stack: Stack) -> dict[str, Path]:
    """The zips that it takes to create the stack, by their keys in the bucket."""
    others = {_key_of(logical_id): zipped(folder) for logical_id, folder in stack.other_code.items()}
    return {_KEY: zipped(stack.function.root, stack.function.runtime), **others}


def upload(client: Any, packages: Values[str, Path], bucket: str) -> None:
    region = client.meta.region_name
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
    client.create_bucket(Bucket=bucket, **elsewhere)
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [OWN_TAG]})
    for key, package in packages.items():
        client.put_object(Bucket=bucket, Key=key, Body=package.read_bytes())


def remove_upload(client: Any, bucket: str) -> None:
    """Whatever of it is there."""
    with suppress(client.exceptions.NoSuchBucket):
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=found["Key"])
        client.delete_bucket(Bucket=bucket)


def _key_of(logical_id: str) -> str:
    return f"{logical_id}.zip"


def bucket_of(name: str) -> str:
    """Where the function's code of a stack lies."""
    return f"{name}-code"


def control_of(name: str) -> str:
    """The experiment's own table beside a stack."""
    return f"{name}-control"


def _agent_policy(control: str) -> dict[str, Any]:
    """The agent's own rights, beside those of the function."""
    actions = ("GetItem", "PutItem", "UpdateItem", "BatchWriteItem")
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


def _settings(mapping: Mapping) -> dict[str, Any]:
    """What differs from AWS's defaults, which the template may also leave unsaid."""
    given = {theirs: getattr(mapping, ours) for ours, theirs in _MAPPING.items()}
    unset = {theirs: getattr(Mapping(), ours) for ours, theirs in _MAPPING.items()}
    settings = {
        name: value
        for name, value in given.items()
        if value != unset[name] or name in ("BatchSize", "StartingPosition")
    }
    if mapping.by == BY_HARNESS:
        settings["Enabled"] = False
    if mapping.report_batch_item_failures:
        settings["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    if mapping.filter_patterns:
        settings["FilterCriteria"] = {"Filters": [{"Pattern": json.dumps(each)} for each in mapping.filter_patterns]}
    return settings


def _status(client: Any, name: str) -> str:
    try:
        status: str = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return "DELETE_COMPLETE"
        raise
    return status


def _wait(client: Any, name: str) -> str:
    """The status of a stack once it is final, or the last one within the bound."""
    found = ""

    def final() -> bool:
        nonlocal found
        found = _status(client, name)
        return not found.endswith("_IN_PROGRESS")

    until(final, MAX_STACK_SECONDS)
    return found
