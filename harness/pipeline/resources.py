"""The resources of a pipeline as values, with the settings of an event source mapping: names, defaults and bounds.

What a stack keeps things in, and how AWS names it: all names are of one account in one Region. What a scenario may
override of the mapping, and what a template may say, are derived from the fields of `Mapping`.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html (semantics rows S-62…S-86),
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple

from harness.errors import NotImitated
from harness.models import After, Keywords, fields_of

ACCOUNT, REGION, PARTITION = "123456789012", "us-east-1", "aws"
# AWS labels a stream with the time of its creation. Here names must be known before anything is created.
STREAM_LABEL = "2020-01-01T00:00:00.000"
RETENTION_SECONDS = 24 * 3600  # how long a stream keeps a record (S-46), of a table as of Kinesis

SHORTEST_INDEX_NAME = 3  # in characters: API_CreateTable

TABLE = "AWS::DynamoDB::Table"
QUEUE = "AWS::SQS::Queue"
BUCKET = "AWS::S3::Bucket"
TOPIC = "AWS::SNS::Topic"
DATA_STREAM = "AWS::Kinesis::Stream"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
ROLE = "AWS::IAM::Role"
LOG_GROUP = "AWS::Logs::LogGroup"


def arn(service: str, resource: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def queue_url(queue_arn: str) -> str:
    """Where a queue takes messages; a client sends them to its own endpoint, and only the path says which queue it is.

    Raises NotImitated for a destination that is not a queue.
    """
    parts = queue_arn.split(":")
    if len(parts) != 6 or parts[2] != "sqs":
        raise NotImitated(f"on-failure destination {queue_arn}: only SQS queues are imitated")
    region, account, name = parts[3:]
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


class ResourceType(NamedTuple):
    """`attributes` are what `Ref` (under that key) and Fn::GetAtt give; `{}` stands for the resource's name."""

    name_property: str
    attributes: dict[str, str]


_QUEUE_URL = queue_url(arn("sqs", "{}"))
RESOURCE_TYPES = {
    TABLE: ResourceType(
        "TableName",
        {
            "Ref": "{}",
            "Arn": arn("dynamodb", "table/{}"),
            "StreamArn": arn("dynamodb", f"table/{{}}/stream/{STREAM_LABEL}"),
        },
    ),
    QUEUE: ResourceType(
        "QueueName", {"Ref": _QUEUE_URL, "Arn": arn("sqs", "{}"), "QueueName": "{}", "QueueUrl": _QUEUE_URL}
    ),
    BUCKET: ResourceType("BucketName", {"Ref": "{}", "Arn": arn("s3", "{}", region="", account="")}),
    DATA_STREAM: ResourceType("Name", {"Ref": "{}", "Arn": arn("kinesis", "stream/{}")}),
    TOPIC: ResourceType("TopicName", {"Ref": arn("sns", "{}"), "TopicArn": arn("sns", "{}"), "TopicName": "{}"}),
    FUNCTION: ResourceType("FunctionName", {"Ref": "{}", "Arn": arn("lambda", "function:{}")}),
    MAPPING: ResourceType("", {"Ref": "{}", "Id": "{}"}),  # has an id only
    ROLE: ResourceType("RoleName", {"Ref": "{}", "Arn": arn("iam", "role/{}", region="")}),
    LOG_GROUP: ResourceType("LogGroupName", {"Ref": "{}", "Arn": arn("logs", "log-group:{}:*")}),
}


def attribute(type: str, name: str, key: str = "Arn") -> str:
    """What Fn::GetAtt gives for a resource of this type and name."""
    return RESOURCE_TYPES[type].attributes[key].format(name)


class Index(NamedTuple):
    """A secondary index; `projection` is ALL, KEYS_ONLY or INCLUDE, which names its `attributes`."""

    name: str
    partition_key: str
    sort_key: str | None
    projection: str
    attributes: tuple[str, ...] = ()
    is_local: bool = False

    def create_parameters(self) -> dict[str, Any]:
        projection: dict[str, Any] = {"ProjectionType": self.projection}
        if self.attributes:
            projection["NonKeyAttributes"] = list(self.attributes)
        key_schema = _key_schema(self.partition_key, self.sort_key)
        return {"IndexName": self.name, "KeySchema": key_schema, "Projection": projection}


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a template makes, by its name at AWS. role: one of pipeline.stack.ROLES, where it has one."""

    TYPE: ClassVar[str]
    logical_id: str
    name: str
    role: str | None = field(default=None, kw_only=True)

    @property
    def arn(self) -> str:
        return attribute(self.TYPE, self.name, "TopicArn" if self.TYPE == TOPIC else "Arn")


@dataclass(frozen=True, slots=True)
class Table(Resource):
    """`attribute_types` are those of the keys: S, N or B. `stream_view_type` is None where there is no stream.

    time_to_live: the attribute that says when an item expires, where the table has one.
    """

    TYPE: ClassVar[str] = TABLE
    partition_key: str
    sort_key: str | None
    attribute_types: Values[str, str]
    indexes: tuple[Index, ...] = ()
    stream_view_type: str | None = None
    time_to_live: str | None = None
    service: ClassVar[str] = "dynamodb"  # whose stream it has

    @property
    def stream_arn(self) -> str | None:
        return attribute(TABLE, self.name, "StreamArn") if self.stream_view_type else None

    @property
    def key_names(self) -> tuple[str, ...]:
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    def create_parameters(self) -> dict[str, Any]:
        """The parameters of DynamoDB's CreateTable. Billed on demand: throttles are a fault's business."""
        types = [{"AttributeName": name, "AttributeType": type} for name, type in self.attribute_types.items()]
        parameters: dict[str, Any] = {
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": types,
            "KeySchema": _key_schema(self.partition_key, self.sort_key),
        }
        for is_local, member in ((False, "GlobalSecondaryIndexes"), (True, "LocalSecondaryIndexes")):
            if indexes := [index.create_parameters() for index in self.indexes if index.is_local == is_local]:
                parameters[member] = indexes
        if self.stream_view_type:
            parameters["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": self.stream_view_type}
        return parameters


@dataclass(frozen=True, slots=True)
class DataStream(Resource):
    """A Kinesis stream. What is written into it is an item with an `id`, which is the partition key."""

    TYPE: ClassVar[str] = DATA_STREAM
    shards: int = 1
    service: ClassVar[str] = "kinesis"
    key_names: ClassVar[tuple[str, ...]] = ("id",)
    attribute_types: ClassVar[Values[str, str]] = {"id": "S"}

    def create_parameters(self) -> dict[str, Any]:
        """The parameters of Kinesis's CreateStream."""
        return {"StreamName": self.name, "ShardCount": self.shards}


@dataclass(frozen=True, slots=True)
class Queue(Resource):
    """An SQS queue. by_content: whether a FIFO queue takes the content for the deduplication id (P-11)."""

    TYPE: ClassVar[str] = QUEUE
    fifo: bool = False
    by_content: bool = False

    @property
    def url(self) -> str:
        return attribute(QUEUE, self.name, "QueueUrl")

    def create_parameters(self) -> dict[str, Any]:
        """The parameters of SQS's CreateQueue."""
        attributes = {"FifoQueue": self.fifo, "ContentBasedDeduplication": self.by_content}
        return {"QueueName": self.name, "Attributes": {name: "true" for name, on in attributes.items() if on}}


@dataclass(frozen=True, slots=True)
class Bucket(Resource):
    """An S3 bucket."""

    TYPE: ClassVar[str] = BUCKET


@dataclass(frozen=True, slots=True)
class Topic(Resource):
    """An SNS topic. `inbox` is the harness's own queue, which gets what is published."""

    TYPE: ClassVar[str] = TOPIC

    @property
    def inbox(self) -> Queue:
        return Queue(f"HarnessInbox{self.logical_id}", f"{self.name}-inbox")


def _key_schema(partition_key: str, sort_key: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    return schema if sort_key is None else [*schema, {"AttributeName": sort_key, "KeyType": "RANGE"}]


FOREVER = -1
BY_PLATFORM: Final = "platform"
BY_HARNESS: Final = "harness"
TRIM_HORIZON: Final = "TRIM_HORIZON"
LATEST: Final = "LATEST"
LEAST_RECORD_AGE, GREATEST_RECORD_AGE = 60, 604_800


def _record_age(value: int) -> int:
    if value != FOREVER and not LEAST_RECORD_AGE <= value <= GREATEST_RECORD_AGE:
        bounds = f"from {LEAST_RECORD_AGE} to {GREATEST_RECORD_AGE} seconds (7 days)"
        raise ValueError(f"got {value}; expected {FOREVER} (until the record leaves the stream), or {bounds}")
    return value


_RECORD_AGE_SCHEMA = {
    "anyOf": [
        {"type": "integer", "const": FOREVER},
        {"type": "integer", "minimum": LEAST_RECORD_AGE, "maximum": GREATEST_RECORD_AGE},
    ]
}


def pascal_case(name: str) -> str:
    """AWS's name of what is called `batch_size` here is BatchSize."""
    return "".join(map(str.capitalize, name.split("_")))


@dataclass(frozen=True, slots=True)
class Mapping:
    """Seconds where a name ends in `_in_seconds`; -1 means without limit. AWS's name of `batch_size` is BatchSize.

    by: the platform's own mapping, or the harness's dispatcher in its place (docs/design.md, decision 7).
    stands: whether, at LATEST, it has begun long before the first write, as one of a template has; where a scenario
    gives the starting position, the mapping begins with the run.
    """

    by: Annotated[
        Literal["platform", "harness"],
        "Who delivers: the platform's own mapping, or the harness's dispatcher in its place, which does all that AWS "
        "documents. `platform` unless given; on the embedded platform the two are the same.",
    ] = BY_PLATFORM
    batch_size: Annotated[int, Keywords(minimum=1, maximum=10_000), "Most records of one delivery."] = 100
    maximum_batching_window_in_seconds: Annotated[
        int, Keywords(minimum=0, maximum=300), "How long to wait for a batch to fill."
    ] = 0
    starting_position: Annotated[
        Literal["TRIM_HORIZON", "LATEST"],
        "Where in the stream the mapping begins: at its oldest record, or at what comes next.",
    ] = TRIM_HORIZON
    maximum_retry_attempts: Annotated[
        int, Keywords(minimum=-1, maximum=10_000), "How often a failing batch is retried; -1 is without limit."
    ] = FOREVER
    maximum_record_age_in_seconds: Annotated[
        int,
        After(_record_age, _RECORD_AGE_SCHEMA),
        "Older records are discarded; -1 is without limit, else 60 seconds to 7 days.",
    ] = FOREVER
    bisect_batch_on_function_error: Annotated[bool, "Whether a failing batch is split in two."] = False
    report_batch_item_failures: Annotated[bool, "Whether the function's answer may name the records that failed."] = (
        False
    )
    parallelization_factor: Annotated[int, Keywords(minimum=1, maximum=10), "Batches of a shard under way at once."] = 1
    tumbling_window_in_seconds: Annotated[
        int,
        Keywords(minimum=0, maximum=900),
        "Length of the windows over which the function aggregates; 0 is none.",
    ] = 0
    filter_criteria: Annotated[
        tuple[dict[str, Any], ...], "Event patterns: a record that matches none of them is not delivered."
    ] = ()
    on_failure_arn: str | None = None
    enabled: bool = True
    stands: bool = False

    def properties(self, written: Collection[str] = ()) -> dict[str, Any]:
        """The settings under CloudFormation's names: those that are not defaults, and those that are `written`."""
        settings, defaults = self._at_aws(), Mapping()._at_aws()
        always = ("BatchSize", "StartingPosition", *written)
        return {name: value for name, value in settings.items() if name in always or value != defaults[name]}

    def _at_aws(self) -> dict[str, Any]:
        return {
            **{pascal_case(name): getattr(self, name) for name in SAME_AT_AWS},
            "Enabled": self.enabled and self.by != BY_HARNESS,
            "FunctionResponseTypes": ["ReportBatchItemFailures"] if self.report_batch_item_failures else [],
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in self.filter_criteria]},
        }


_OUR_SHAPE = ("by", "report_batch_item_failures", "filter_criteria", "on_failure_arn", "enabled", "stands")
# The settings that have the same shape at AWS: `batch_size` is BatchSize there.
SETTINGS = fields_of(Mapping)
SAME_AT_AWS = tuple(name for name in SETTINGS if name not in _OUR_SHAPE)
