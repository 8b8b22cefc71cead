"""Removes what killed runs left at an endpoint."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from harness.platforms.deployed import cloudformation, run_stack
from harness.platforms.target import Target


def remove(target: Target) -> list[str]:
    """Deletes stacks, control tables, buckets and mappings of runs. Returns what was deleted, in words."""
    stacks, dynamodb, s3 = target.client("cloudformation"), target.client("dynamodb"), target.client("s3")
    removed = _mappings(target.client("lambda"))
    for name in cloudformation.tagged(stacks, cloudformation.RUN_TAG):
        cloudformation.begin_to_delete(stacks, s3, name)
        cloudformation.wait(stacks, name)
        removed.append(f"stack {name}")
    for table in dynamodb.get_paginator("list_tables").paginate().build_full_result()["TableNames"]:
        if _belongs_to_a_run(table, run_stack.control_of("")):
            dynamodb.delete_table(TableName=table)
            removed.append(f"table {table}")
    for bucket in s3.list_buckets()["Buckets"]:
        if _belongs_to_a_run(bucket["Name"], run_stack.bucket_of("")):
            cloudformation.remove_packages(s3, bucket["Name"])
            removed.append(f"bucket {bucket['Name']}")
    return removed


def kept(target: Target) -> list[str]:
    """The names of the stacks that `harness deploy` made, which are not removed."""
    return cloudformation.tagged(target.client("cloudformation"), cloudformation.DEPLOY_TAG)


def _mappings(client: Any) -> list[str]:
    """Deletes the mappings of runs. LocalStack 4.14 never removes one that is disabled when it is deleted."""
    removed = []
    pages = client.get_paginator("list_event_source_mappings").paginate()
    for mapping in pages.build_full_result()["EventSourceMappings"]:
        function = mapping["FunctionArn"].rpartition(":function:")[2]
        if function.startswith(cloudformation.STACK_PREFIX) and mapping["State"] != "Deleting":
            with suppress(client.exceptions.ResourceNotFoundException):
                if mapping["State"] == "Disabled":
                    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
                client.delete_event_source_mapping(UUID=mapping["UUID"])
                removed.append(f"mapping of {function}")
    return removed


def _belongs_to_a_run(name: str, suffix: str) -> bool:
    return name.startswith(cloudformation.STACK_PREFIX) and name.endswith(suffix)
