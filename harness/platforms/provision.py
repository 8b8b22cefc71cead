"""Creates what a stack describes, by AWS calls: its tables, queues and buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.stack import Stack


def provision(client: Callable[[str], Any], stack: Stack) -> str:
    """Creates what records and effects land in; returns the ARN of the source table's stream."""
    for table in stack.tables:
        client("dynamodb").create_table(**table.create_parameters())
    for queue in stack.queues:
        client("sqs").create_queue(**queue.create_parameters())
    for bucket in stack.buckets:
        client("s3").create_bucket(Bucket=bucket.name)
    arn: str = client("dynamodb").describe_table(TableName=stack.source.name)["Table"]["LatestStreamArn"]
    return arn
