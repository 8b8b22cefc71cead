"""The settings of resources that only take what is sent to them: queues, buckets, topics; as in harness.resources."""

from __future__ import annotations

from harness.resources import Settings


class QueueSettings(Settings):
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


class BucketSettings(Settings):
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


class TopicSettings(Settings):
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
