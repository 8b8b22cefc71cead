"""CloudFormation stacks and the buckets with their code: created, waited for and deleted, also what killed runs left.

What they left is found by the tags of runs, and by nothing else. Each thing that a run makes says by a tag which
process made it, so that a run that is going on is left alone.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Mapping as Values
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import ClientError

from harness.errors import Problem, UserError
from harness.platforms.deployed import cloudformation
from harness.platforms.target import Target
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


PROCESS_TAG = "harness-process"
MAX_RUN_SECONDS = 2 * 3600  # of a run on another machine, which cannot be asked whether it goes on
STACK, TABLE, BUCKET, MAPPING = "stack", "table", "bucket", "mapping of"
_NAME = re.compile(rf"{STACK_PREFIX}[a-z0-9-]+-[0-9a-f]{{6}}-")  # of what a run makes: its stack's name comes first


def run_tags() -> list[dict[str, str]]:
    """The tags of what this process makes in a run."""
    return [RUN_TAG, {"Key": PROCESS_TAG, "Value": f"{_host()}/{os.getpid()}/{int(time.time())}"}]


def _host() -> str:
    return re.sub(r"[^\w.-]", "-", socket.gethostname(), flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A thing that a run made. `id` is what its deletion needs; `process` is the tag of the process that made it."""

    kind: str
    name: str
    process: str = ""
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def goes_on(process: str, host: str, now: float, began: Callable[[int], float | None]) -> bool:
    """Whether the run of that process goes on. `began` says when a process of this machine began, if it exists.

    A number that was given to a later process is not the run's. Another machine is believed for as long as a run takes.
    """
    match = re.fullmatch(r"(.+)/(\d+)/(\d+)", process)
    if match is None:
        return False
    tagged_at = int(match[3])
    if match[1] != host:
        return now - tagged_at < MAX_RUN_SECONDS
    begin = began(int(match[2]))
    return begin is not None and begin <= tagged_at + 1


def _began(number: int) -> float | None:
    with suppress(psutil.Error):
        process = psutil.Process(number)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    return None


class Leftovers:
    """What is in the account of the target now. `removable` comes in the order in which it has to be removed."""

    def __init__(self, target: Target) -> None:
        self._stacks, self._s3 = target.client("cloudformation"), target.client("s3")
        self._dynamodb, self._lambda = target.client("dynamodb"), target.client("lambda")
        tables, buckets = self._tables(), self._buckets()
        stacks = [
            Leftover(STACK, stack["StackName"], _process(stack.get("Tags", ())))
            for stack in cloudformation.described_all(self._stacks)
            if RUN_TAG in stack.get("Tags", ())
        ]
        self.of_runs = [*self._mappings(stacks), *stacks, *tables, *buckets]
        self.kept_stacks = cloudformation.tagged(self._stacks, DEPLOY_TAG)

    @cached_property
    def going_on(self) -> list[Leftover]:
        """What runs are using."""
        host, now = _host(), time.time()
        return [each for each in self.of_runs if goes_on(each.process, host, now, _began)]

    @property
    def removable(self) -> list[Leftover]:
        return [each for each in self.of_runs if each not in self.going_on]

    def remove(self, leftovers: Sequence[Leftover]) -> Iterator[Leftover]:
        """Yields each after it was removed."""
        for each in leftovers:
            self._remove(each)
            yield each

    def _remove(self, leftover: Leftover) -> None:
        name = leftover.name
        if leftover.kind == STACK:
            cloudformation.begin_to_delete(self._stacks, self._s3, name)
            cloudformation.wait(self._stacks, name)
        elif leftover.kind == TABLE:
            with suppress(self._dynamodb.exceptions.ResourceNotFoundException):
                self._dynamodb.delete_table(TableName=name)
        elif leftover.kind == BUCKET:
            cloudformation.remove_packages(self._s3, name)
        else:
            self._remove_mapping(leftover.id)

    def _remove_mapping(self, id: str) -> None:
        """LocalStack 4.14 never removes a mapping that is disabled when it is deleted."""
        with suppress(self._lambda.exceptions.ResourceNotFoundException):
            if self._lambda.get_event_source_mapping(UUID=id)["State"] == "Disabled":
                self._lambda.update_event_source_mapping(UUID=id, Enabled=True)
            self._lambda.delete_event_source_mapping(UUID=id)

    def _tables(self) -> Iterator[Leftover]:
        pages = self._dynamodb.get_paginator("list_tables").paginate().build_full_result()
        for name in pages["TableNames"]:
            if not _NAME.match(name):
                continue
            with suppress(self._dynamodb.exceptions.ResourceNotFoundException):  # it went meanwhile
                arn = self._dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
                tags = self._dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
                if RUN_TAG in tags:
                    yield Leftover(TABLE, name, _process(tags))

    def _buckets(self) -> Iterator[Leftover]:
        for bucket in self._s3.list_buckets()["Buckets"]:
            if not _NAME.match(bucket["Name"]):
                continue
            with suppress(ClientError):  # it has no tags, or it went meanwhile
                tags = self._s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
                if RUN_TAG in tags:
                    yield Leftover(BUCKET, bucket["Name"], _process(tags))

    def _mappings(self, stacks: Sequence[Leftover]) -> Iterator[Leftover]:
        """Those of functions that have the tag of a run, or that went with the stack of one."""
        pages = self._lambda.get_paginator("list_event_source_mappings").paginate().build_full_result()
        for mapping in pages["EventSourceMappings"]:
            function = mapping["FunctionArn"].rpartition(":function:")[2]
            if mapping["State"] == "Deleting" or not _NAME.match(function):
                continue
            try:
                tags = self._lambda.get_function(FunctionName=mapping["FunctionArn"]).get("Tags", {})
            except self._lambda.exceptions.ResourceNotFoundException:
                tags = {RUN_TAG["Key"]: RUN_TAG["Value"]} if self._is_orphan(mapping) else {}
            if tags.get(RUN_TAG["Key"]) == RUN_TAG["Value"]:
                stack = next((each for each in stacks if function.startswith(f"{each.name}-")), None)
                process = stack.process if stack else tags.get(PROCESS_TAG, "")
                yield Leftover(MAPPING, function, process, mapping["UUID"])

    def _is_orphan(self, mapping: Mapping[str, Any]) -> bool:
        """Whether its source is gone as its function is: it can never deliver anything again, and has no tag to ask."""
        table = re.search(r":table/([^/]+)/", mapping.get("EventSourceArn", ""))
        if table is None:
            return True
        try:
            self._dynamodb.describe_table(TableName=table[1])
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return True
        return False


def _process(tags: Iterable[Mapping[str, str]]) -> str:
    return next((tag["Value"] for tag in tags if tag["Key"] == PROCESS_TAG), "")
