"""The properties of queues, buckets, topics and Kinesis streams, as those of tables in harness.resources."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from harness.resources import Properties


class QueueProperties(Properties):
    # The rest is the consumer's business: nothing in a run consumes a queue but the one that reads it back.
    ignored = (
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "Tags",
        "VisibilityTimeout",
    )
    queue_name: str | None = None
    fifo_queue: bool = False
    content_based_deduplication: bool = False


class BucketProperties(Properties):
    # Objects expire by days (as items do): within a run none does.
    ignored = (
        "AccessControl",
        "BucketEncryption",
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "MetricsConfigurations",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
    )
    bucket_name: str | None = None


class TopicProperties(Properties):
    ignored = (
        "DataProtectionPolicy",
        "DeliveryStatusLogging",
        "DisplayName",
        "KmsMasterKeyId",
        "SignatureVersion",
        "Tags",
        "TracingConfig",
    )
    topic_name: str | None = None


class StreamMode(Properties):
    stream_mode: Literal["PROVISIONED", "ON_DEMAND"]


class DataStreamProperties(Properties):
    """An on-demand stream begins with four: docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html."""

    RETENTION_HOURS: ClassVar[int] = 24
    SHARDS: ClassVar[dict[str, int]] = {"PROVISIONED": 1, "ON_DEMAND": 4}
    ignored = ("DesiredShardLevelMetrics", "StreamEncryption", "Tags", "WarmThroughputMiBps")
    name: str | None = None
    shard_count: Annotated[int, Field(ge=1, le=100)] | None = None
    stream_mode_details: StreamMode = StreamMode(StreamMode="PROVISIONED")
    retention_period_hours: int = RETENTION_HOURS

    @property
    def shards(self) -> int:
        return self.shard_count or self.SHARDS[self.stream_mode_details.stream_mode]
