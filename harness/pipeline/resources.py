"""What a stack keeps things in (tables, Kinesis streams, queues, buckets, topics), and how AWS names resources.

All names are of one account in one Region. Source of the attributes:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from harness.errors import NotImitated

ACCOUNT, REGION, PARTITION = "123456789012", "us-east-1", "aws"
# AWS labels a stream with the time of its creation. Here names must be known before anything is created.
STREAM_LABEL = "2020-01-01T00:00:00.000"
RETENTION_SECONDS = 24 * 3600  # how long a stream keeps a record (S-46), of a table as of Kinesis

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
    """A global secondary index; `projection` is ALL, KEYS_ONLY or INCLUDE, which names its `attributes`."""

    name: str
    partition_key: str
    sort_key: str | None
    projection: str
    attributes: tuple[str, ...] = ()

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
        if self.indexes:
            parameters["GlobalSecondaryIndexes"] = [index.create_parameters() for index in self.indexes]
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
