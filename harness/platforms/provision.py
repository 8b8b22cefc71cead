"""Creates what a stack describes, by AWS calls: its tables, queues, buckets and topics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.sources import SOURCES
from harness.stack import LEDGER, Stack


def provision(client: Callable[[str], Any], stack: Stack) -> str:
    """Creates what records and effects land in; returns the ARN of the source's stream."""
    for table in stack.tables:
        client("dynamodb").create_table(**table.create_parameters())
    if stack.time_to_live:  # what expires in other tables stays there for as long as a run lasts (S-52)
        ends = {"Enabled": True, "AttributeName": stack.time_to_live}
        client("dynamodb").update_time_to_live(TableName=stack.source.name, TimeToLiveSpecification=ends)
    for stream in stack.data_streams:
        client("kinesis").create_stream(**stream.create_parameters())
    for queue in stack.queues:
        client("sqs").create_queue(**queue.create_parameters())
    for bucket in stack.buckets:
        client("s3").create_bucket(Bucket=bucket.name)
    for topic in stack.topics:
        client("sns").create_topic(Name=topic.name)
    for topic in stack.topics_of(LEDGER):
        client("sqs").create_queue(**topic.inbox.create_parameters())
        # Raw: what else would be in the envelope is moto's own.
        raw = {"RawMessageDelivery": "true"}
        client("sns").subscribe(TopicArn=topic.arn, Protocol="sqs", Endpoint=topic.inbox.arn, Attributes=raw)
    return SOURCES[stack.source.service].stream_arn(client, stack.source.name)
