"""Creates what a stack describes, by AWS calls: its tables and queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.stack import Stack


def provision(client: Callable[[str], Any], stack: Stack) -> str:
    """Creates the tables and queues; returns the ARN of the source table's stream."""
    for table in stack.tables:
        client("dynamodb").create_table(**table.create_parameters())
    source = stack.source  # what expires in other tables stays there for as long as a run lasts (S-52)
    if source.time_to_live:
        ends = {"Enabled": True, "AttributeName": source.time_to_live}
        client("dynamodb").update_time_to_live(TableName=source.name, TimeToLiveSpecification=ends)
    for queue in stack.queues:
        client("sqs").create_queue(**queue.create_parameters())
    arn: str = client("dynamodb").describe_table(TableName=stack.source.name)["Table"]["LatestStreamArn"]
    return arn
