"""The properties of the CloudFormation resources that make a pipeline.

A property in a model is read. One in `ignored` changes nothing that a run measures. Any other is not imitated.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

# Annotations are no texts here: a model looks at its own.
import json
from typing import Annotated, Any, ClassVar, Literal

from harness.errors import DocumentPath, nearest, shown
from harness.models import EMPTY, REQUIRED, After, Before, Keywords, Model, derived
from harness.pipeline.intrinsics import text
from harness.pipeline.resources import RETENTION_SECONDS, SAME_AT_AWS, SETTINGS, Index, Mapping, Table, pascal_case
from harness.pipeline.stack import is_node, is_python


def _text(value: Any) -> Any:
    return text(value) if isinstance(value, bool | int | float) else value


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{shown(value)} is not JSON: {error}") from error


def _runtime(name: str) -> str:
    if not is_python(name) and not is_node(name):
        raise ValueError(f"only Python and Node.js can be run: python3.12, nodejs22.x and the like, not {name!r}")
    return name


Text = Annotated[str, Before(_text)]


class Properties(Model):
    """A resource's properties, or a part of them, under AWS's names."""

    EXACT = False
    ignored: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def key(name: str) -> str:
        return pascal_case(name)


class KeyElement(Properties):
    attribute_name: str
    key_type: Literal["HASH", "RANGE"]


class AttributeDefinition(Properties):
    attribute_name: str
    attribute_type: Literal["S", "N", "B"]


class Projection(Properties):
    projection_type: Literal["ALL", "KEYS_ONLY", "INCLUDE"] = "ALL"
    non_key_attributes: tuple[str, ...] = ()


def _key_schema(elements: list[KeyElement]) -> list[KeyElement]:
    if [element.key_type for element in elements] not in (["HASH"], ["HASH", "RANGE"]):
        raise ValueError("has one element with KeyType HASH, and then at most one with RANGE")
    return elements


KeySchema = Annotated[list[KeyElement], After(_key_schema)]


class Keyed(Properties):
    """What has a key: a table, or an index of it."""

    key_schema: KeySchema

    @property
    def partition_key(self) -> str:
        return self.key_schema[0].attribute_name

    @property
    def sort_key(self) -> str | None:
        return self.key_schema[1].attribute_name if len(self.key_schema) > 1 else None


class SecondaryIndex(Keyed):
    index_name: str
    projection: Projection

    def to_index(self, is_local: bool = False) -> Index:
        projection = self.projection
        return Index(
            self.index_name,
            self.partition_key,
            self.sort_key,
            projection.projection_type,
            projection.non_key_attributes,
            is_local,
        )


class StreamSpecification(Properties):
    stream_view_type: Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]


class TimeToLiveSpecification(Properties):
    enabled: bool
    attribute_name: str | None = None


class TableProperties(Keyed):
    ignored = (
        "BillingMode",
        "ContributorInsightsSpecification",
        "DeletionProtectionEnabled",
        "ImportSourceSpecification",
        "KinesisStreamSpecification",
        "OnDemandThroughput",
        "PointInTimeRecoverySpecification",
        "ProvisionedThroughput",
        "ResourcePolicy",
        "SSESpecification",
        "TableClass",
        "Tags",
        "WarmThroughput",
    )
    table_name: str | None = None
    attribute_definitions: list[AttributeDefinition]
    global_secondary_indexes: tuple[SecondaryIndex, ...] = ()
    local_secondary_indexes: tuple[SecondaryIndex, ...] = ()
    stream_specification: StreamSpecification | None = None
    time_to_live_specification: TimeToLiveSpecification | None = None

    @classmethod
    def complete(cls, values: dict[str, Any], refused: set[str], context: Any) -> None:
        """Each attribute of a key is defined."""
        if refused or not {"key_schema", "attribute_definitions"} <= {*values}:
            return
        defined = [attribute.attribute_name for attribute in values["attribute_definitions"]]
        both = ("global_secondary_indexes", "local_secondary_indexes")
        indexes = [index for name in both for index in values.get(name, ())]
        elements = [*values["key_schema"], *(element for index in indexes for element in index.key_schema)]
        for name in (element.attribute_name for element in elements):
            if name not in defined:
                raise ValueError(f"key '{name}' is not in AttributeDefinitions. {nearest(name, defined)}")

    def to_table(self, logical_id: str, name: str, role: str | None) -> Table:
        stream, ends = self.stream_specification, self.time_to_live_specification
        return Table(
            logical_id,
            name,
            self.partition_key,
            self.sort_key,
            {attribute.attribute_name: attribute.attribute_type for attribute in self.attribute_definitions},
            (
                *(index.to_index() for index in self.global_secondary_indexes),
                *(index.to_index(is_local=True) for index in self.local_secondary_indexes),
            ),
            stream.stream_view_type if stream else None,
            ends.attribute_name if ends and ends.enabled else None,
            role=role,
        )


class Environment(Properties):
    variables: dict[str, Text] = EMPTY


class FunctionProperties(Properties):
    ignored = (
        "Architectures",
        "Code",
        "CodeSigningConfigArn",
        "DeadLetterConfig",  # for asynchronous calls only
        "Description",
        "EphemeralStorage",
        "KmsKeyArn",
        "Layers",  # read by harness.pipeline.dependencies
        "LoggingConfig",
        "RecursiveLoop",
        "Role",
        "RuntimeManagementConfig",
        "SnapStart",
        "Tags",
        "TracingConfig",
        "VpcConfig",
    )
    function_name: str | None = None
    handler: Annotated[str, Keywords(pattern=r"^[\w/-]+(\.\w+)+$", examples=["app.handler"])]
    runtime: Annotated[str, After(_runtime)]
    timeout: Annotated[int, Keywords(minimum=1, maximum=900)] = 3
    memory_size: Annotated[int, Keywords(minimum=128, maximum=10_240)] = 128
    environment: Environment = Environment()
    reserved_concurrent_executions: Annotated[int, Keywords(minimum=0)] | None = None
    package_type: Literal["Zip"] = "Zip"


class AnyLanguageFunctionProperties(FunctionProperties):
    """In any language: where the platform has its runtime, and the handler goes without the agent."""

    handler: str
    runtime: str


class Filter(Properties):
    pattern: Annotated[dict[str, Any], Before(_json)]


class FilterCriteria(Properties):
    filters: tuple[Filter, ...] = ()


class OnFailure(Properties):
    destination: str


class DestinationConfig(Properties):
    on_failure: OnFailure | None = None


class _MappingEnds(Properties):
    """What a mapping connects, and the settings that have another shape here than in harness.pipeline.resources."""

    ignored = ("KmsKeyArn", "LoggingConfig", "MetricsConfig", "Tags")
    event_source_arn: str
    function_name: str
    function_response_types: tuple[Literal["ReportBatchItemFailures"], ...] = ()
    filter_criteria: FilterCriteria = FilterCriteria()
    destination_config: DestinationConfig = DestinationConfig()
    enabled: bool = True

    def to_mapping(self) -> Mapping:
        on_failure = self.destination_config.on_failure
        return Mapping(
            **{name: getattr(self, name) for name in SAME_AT_AWS},
            report_batch_item_failures=bool(self.function_response_types),
            filter_criteria=tuple(filter.pattern for filter in self.filter_criteria.filters),
            on_failure_arn=on_failure.destination if on_failure else None,
            enabled=self.enabled,
        )


_same = {name: SETTINGS[name] for name in SAME_AT_AWS}
_same["starting_position"] = _same["starting_position"]._replace(default=REQUIRED)  # AWS has no default for it
MappingProperties = derived("MappingProperties", _MappingEnds, _same)


def properties(logical_id: str, *names: str | int) -> DocumentPath:
    return ("Resources", logical_id, "Properties", *names)


class QueueProperties(Properties):
    # The rest is the consumer's business: nothing in a run consumes a queue but the one that reads it back.
    ignored = (
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "DelaySeconds",
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
        "AccelerateConfiguration",
        "AccessControl",
        "AnalyticsConfigurations",
        "BucketEncryption",
        "CorsConfiguration",
        "IntelligentTieringConfigurations",
        "InventoryConfigurations",
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "MetricsConfigurations",
        "NotificationConfiguration",
        "ObjectLockConfiguration",
        "ObjectLockEnabled",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "ReplicationConfiguration",
        "Tags",
        "VersioningConfiguration",  # an effect is an object as it is in the end
        "WebsiteConfiguration",
    )
    bucket_name: str | None = None


class TopicProperties(Properties):
    ignored = (
        "DataProtectionPolicy",
        "DeliveryStatusLogging",
        "DisplayName",
        "KmsMasterKeyId",
        "SignatureVersion",
        "Subscription",  # what is published is read back, whoever else gets it
        "Tags",
        "TracingConfig",
    )
    topic_name: str | None = None


class StreamMode(Properties):
    stream_mode: Literal["PROVISIONED", "ON_DEMAND"]


class DataStreamProperties(Properties):
    """An on-demand stream begins with four: docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html."""

    SHARDS: ClassVar[dict[str, int]] = {"PROVISIONED": 1, "ON_DEMAND": 4}
    ignored = ("DesiredShardLevelMetrics", "StreamEncryption", "Tags", "WarmThroughputMiBps")
    name: str | None = None
    shard_count: Annotated[int, Keywords(minimum=1, maximum=100)] | None = None
    stream_mode_details: StreamMode = StreamMode(stream_mode="PROVISIONED")
    retention_period_hours: int = RETENTION_SECONDS // 3600

    @property
    def shards(self) -> int:
        return self.shard_count or self.SHARDS[self.stream_mode_details.stream_mode]
