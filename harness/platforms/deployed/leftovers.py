"""What killed runs left in an account: found by the tags of runs and by nothing else, and removed.

Each thing that a run makes says by a tag which process made it, so that a run that is going on is left alone.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psutil
from botocore.exceptions import ClientError

from harness.platforms.deployed import cloudformation
from harness.platforms.deployed.cloudformation import DEPLOY_TAG, RUN_TAG, STACK_PREFIX
from harness.platforms.target import Target

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
