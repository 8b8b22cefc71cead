"""Creates, waits for and deletes CloudFormation stacks, and the buckets with the code of their functions."""

from __future__ import annotations

import json
from collections.abc import Collection
from collections.abc import Mapping as Values
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from harness.errors import Problem, UserError
from harness.waiting import until

STACK_PREFIX = "harness-"  # of stacks that runs make
RUN_TAG, DEPLOY_TAG = {"Key": "harness", "Value": "run"}, {"Key": "harness", "Value": "deploy"}
MAX_STACK_SECONDS = 120
GONE = "DELETE_COMPLETE"
UNDER_REVIEW = "REVIEW_IN_PROGRESS"  # the stack has no resources yet: its change set was not carried out
_IN_PROGRESS = "_IN_PROGRESS"
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class StackRequest:
    """A stack to create. `file` is the user's template; `tags` say whether it is of a run or of `harness deploy`."""

    name: str
    file: Path
    template: Values[str, Any]
    parameters: Values[str, str]
    tags: list[dict[str, str]]

    def arguments(self) -> dict[str, Any]:
        """The arguments of CreateStack and of CreateChangeSet."""
        return {
            "StackName": self.name,
            "TemplateBody": json.dumps(self.template),
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            "Tags": self.tags,
        }


def until_created(client: Any, request: StackRequest, seconds: float) -> None:
    """Raises UserError with the reasons that CloudFormation gives when it cannot create the stack.

    Raises TimeoutError when it has not done so within the seconds.
    """
    status = wait(client, request.name, seconds)
    if status.endswith(_IN_PROGRESS):
        raise TimeoutError(f"the stack {request.name} was still {status} after {seconds:g} s")
    if status != "CREATE_COMPLETE":
        raise UserError([ended_as(client, request, status)])


def ended_as(client: Any, request: StackRequest, status: str) -> Problem:
    """The problem that a stack ended in this status, with CloudFormation's reasons."""
    message = f"the stack {request.name} ended as {status}: {reasons(client, request.name)}"
    return Problem(message, file=str(request.file))


def reasons(client: Any, name: str) -> str:
    """What failed in the last operation on a stack, in CloudFormation's words."""
    failures = []
    for event in client.describe_stack_events(StackName=name)["StackEvents"]:  # the newest first
        if event.get("PhysicalResourceId") == event["StackId"] and event["ResourceStatus"] in _BEGINNINGS:
            break
        if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason"):
            failures.append(f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}")
    return "; ".join(failures)


def begin_to_delete(client: Any, s3: Any, name: str, seconds: float = MAX_STACK_SECONDS) -> None:
    """Empties the buckets of a stack and begins to delete it.

    It waits for the creation first: LocalStack 4.14 goes on creating a stack after it was deleted.
    """
    if wait(client, name, seconds) != GONE:
        for resource in client.describe_stack_resources(StackName=name)["StackResources"]:
            bucket = resource.get("PhysicalResourceId")
            if resource["ResourceType"] == "AWS::S3::Bucket" and bucket:
                _empty(s3, bucket)
        client.delete_stack(StackName=name)


def take_away(client: Any, name: str, seconds: float = MAX_STACK_SECONDS) -> str:
    """Deletes a stack without emptying its buckets. Returns its final status, or the last one within the bound."""
    client.delete_stack(StackName=name)
    return wait(client, name, seconds)


def _empty(s3: Any, bucket: str) -> None:
    """Empties a bucket: CloudFormation deletes no bucket that holds objects."""
    with suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            objects = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            if objects:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def tagged(client: Any, tag: dict[str, str]) -> list[str]:
    """The names of the stacks that have the tag, without deleted ones."""
    return [stack["StackName"] for stack in described_all(client) if tag in stack.get("Tags", [])]


def described_all(client: Any) -> list[dict[str, Any]]:
    """The stacks as DescribeStacks returns them, without deleted ones."""
    pages = client.get_paginator("describe_stacks").paginate()
    return [stack for page in pages for stack in page["Stacks"] if stack["StackStatus"] != GONE]


def described(client: Any, name: str) -> dict[str, Any] | None:
    """The stack as DescribeStacks returns it; None where it does not exist."""
    try:
        stack: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if stack["StackStatus"] == GONE else stack


def deployed(client: Any, name: str) -> dict[str, Any] | None:
    """The stack as DescribeStacks returns it; None where it does not exist or has no resources yet."""
    stack = described(client, name)
    return None if stack is None or stack["StackStatus"] == UNDER_REVIEW else stack


def wait(client: Any, name: str, seconds: float = MAX_STACK_SECONDS) -> str:
    """The status of a stack once it is final, or the last one within the bound."""
    status = ""

    def final() -> bool:
        nonlocal status
        stack = described(client, name)
        status = stack["StackStatus"] if stack else GONE
        return not status.endswith(_IN_PROGRESS)

    until(final, seconds)
    return status


def upload_packages(client: Any, packages: Values[str, Path], bucket: str, tags: list[dict[str, str]]) -> None:
    """Creates the bucket if it does not exist, and puts the packages into it under their keys."""
    region = client.meta.region_name
    configuration = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=bucket, **configuration)
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    for key, package in packages.items():
        client.put_object(Bucket=bucket, Key=key, Body=package.read_bytes())


def remove_packages(client: Any, bucket: str, prefix: str = "", kept: Collection[str] = ()) -> None:
    """Deletes the objects under the prefix except `kept`, and the bucket if it is empty then."""
    with suppress(client.exceptions.NoSuchBucket):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                if entry["Key"] not in kept:
                    client.delete_object(Bucket=bucket, Key=entry["Key"])
        try:
            client.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
