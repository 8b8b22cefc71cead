"""A stack: what a template describes, as plain values with every name known. One account, one Region."""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.attribution import BY_NAME, Attribution, by_key
from harness.mapping import Mapping

ACCOUNT, REGION, PARTITION = "123456789012", "us-east-1", "aws"
# AWS labels a stream with the time of its creation; a stack has none, and its names are known beforehand.
STREAM_LABEL = "2020-01-01T00:00:00.000"

SOURCE, LEDGER, VIEW, STATE, ON_FAILURE = "source", "ledger", "view", "state", "on_failure"
ROLES = (SOURCE, LEDGER, VIEW, STATE, ON_FAILURE)


def arn(service: str, resource: str, region: str = REGION) -> str:
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{resource}"


def table_arn(name: str) -> str:
    return arn("dynamodb", f"table/{name}")


def stream_arn(table: str) -> str:
    return f"{table_arn(table)}/stream/{STREAM_LABEL}"


def function_arn(name: str) -> str:
    return arn("lambda", f"function:{name}")


def queue_arn(name: str) -> str:
    return arn("sqs", name)


def bucket_arn(name: str) -> str:
    return f"arn:{PARTITION}:s3:::{name}"


def topic_arn(name: str) -> str:
    return arn("sns", name)


def is_python(runtime: str) -> bool:
    return runtime.startswith("python3.")


def queue_url(name: str) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


@dataclass(frozen=True, slots=True)
class Index:
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
class Table:
    """`attribute_types` are those of the keys: S, N or B. `stream_view_type` is None where there is no stream.

    time_to_live: the attribute that says when an item expires, where the table has one.
    """

    logical_id: str
    name: str
    partition_key: str
    sort_key: str | None
    attribute_types: Values[str, str]
    indexes: tuple[Index, ...] = ()
    stream_view_type: str | None = None
    role: str | None = None
    time_to_live: str | None = None

    @property
    def arn(self) -> str:
        return table_arn(self.name)

    @property
    def stream_arn(self) -> str | None:
        return stream_arn(self.name) if self.stream_view_type else None

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
class Queue:
    """An SQS queue. by_content: whether a FIFO queue takes the content for the deduplication id (P-11)."""

    logical_id: str
    name: str
    fifo: bool = False
    role: str | None = None
    by_content: bool = False

    @property
    def arn(self) -> str:
        return queue_arn(self.name)

    @property
    def url(self) -> str:
        return queue_url(self.name)

    def create_parameters(self) -> dict[str, Any]:
        """The parameters of SQS's CreateQueue."""
        attributes = {"FifoQueue": self.fifo, "ContentBasedDeduplication": self.by_content}
        return {"QueueName": self.name, "Attributes": {name: "true" for name, on in attributes.items() if on}}


@dataclass(frozen=True, slots=True)
class Bucket:
    """An S3 bucket."""

    logical_id: str
    name: str
    role: str | None = None

    @property
    def arn(self) -> str:
        return bucket_arn(self.name)


@dataclass(frozen=True, slots=True)
class Topic:
    """An SNS topic. `inbox` is the harness's own queue, which gets what is published."""

    logical_id: str
    name: str
    role: str | None = None

    @property
    def arn(self) -> str:
        return topic_arn(self.name)

    @property
    def inbox(self) -> Queue:
        return Queue(f"HarnessInbox{self.logical_id}", f"{self.name}-inbox")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An HTTP endpoint of the harness; its URL is in a variable of the function.

    honours_key: whether a request whose `Idempotency-Key` is known is not applied again.
    """

    variable: str
    honours_key: bool

    def url(self, server: str) -> str:
        return f"{server}/{self.variable}"


@dataclass(frozen=True, slots=True)
class Function:
    """`root` is the folder that is zipped, `handler` is `module.function` in it; timeout in seconds, memory in MB.

    role_id: its role's logical id, where the template makes one.
    """

    logical_id: str
    name: str
    root: Path
    handler: str
    runtime: str
    timeout: int
    memory: int
    environment: Values[str, str]
    role_id: str | None = None

    @property
    def arn(self) -> str:
        return function_arn(self.name)

    @property
    def has_agent(self) -> bool:
        """Whether the agent is around its handler: it is Python, as a function of another language is not."""
        return is_python(self.runtime)


@dataclass(frozen=True, slots=True)
class Stack:
    """`mapping_id` is the mapping's logical id. `not_imitated` names what the embedded platform must refuse.

    `parameters` are the values of the template's parameters, those without any left out. `attributions` are those
    that the scenario gives, by logical id. other_mapping_ids: mappings of streams that feed other functions.
    other_code: the folders of other functions, by their logical ids.
    """

    name: str
    template: Path
    parameters: Values[str, str]
    tables: tuple[Table, ...]
    queues: tuple[Queue, ...]
    function: Function
    mapping: Mapping
    mapping_id: str
    not_imitated: tuple[str, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    topics: tuple[Topic, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    attributions: Values[str, Attribution] = field(default_factory=dict)
    other_mapping_ids: tuple[str, ...] = ()
    other_code: Values[str, Path] = field(default_factory=dict)

    @property
    def source(self) -> Table:
        """The table whose stream the mapping reads."""
        return self.tables_of(SOURCE)[0]

    def tables_of(self, role: str) -> tuple[Table, ...]:
        return tuple(table for table in self.tables if table.role == role)

    def attribution(self, resource: Table | Queue | Bucket | Topic) -> Attribution:
        """Where what is in it says which intent and which item it is about."""
        known = self.attributions.get(resource.logical_id)
        if known is None and isinstance(resource, Table) and resource.role != LEDGER:
            return by_key(resource.key_names)
        return known or BY_NAME

    @property
    def attribute_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Under which attributes, beside the usual ones, a request says which intent it is of, and which item."""
        sinks = [each for name, each in self.attributions.items() if name != self.source.logical_id]
        keys = [name for name in self.source.key_names if "id" not in self.source.key_names]
        intents, items = (each.intent_name for each in sinks), (each.item_name for each in sinks)
        return tuple(dict.fromkeys(intents)), tuple(dict.fromkeys((*items, *keys)))

    def queues_of(self, role: str) -> tuple[Queue, ...]:
        return tuple(queue for queue in self.queues if queue.role == role)

    def buckets_of(self, role: str) -> tuple[Bucket, ...]:
        return tuple(bucket for bucket in self.buckets if bucket.role == role)

    def topics_of(self, role: str) -> tuple[Topic, ...]:
        return tuple(topic for topic in self.topics if topic.role == role)

    @property
    def sinks(self) -> frozenset[str]:
        """What effects land in, by the names that the wire finds in requests; endpoints are known once they are up."""
        tables = [table.name for table in (*self.tables_of(LEDGER), *self.tables_of(VIEW))]
        queues = [queue.name for queue in self.queues_of(LEDGER)]
        topics = [topic.name for topic in self.topics_of(LEDGER)]
        return frozenset([*tables, *queues, *topics, *(bucket.name for bucket in self.buckets_of(LEDGER))])


def _key_schema(partition_key: str, sort_key: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    return schema if sort_key is None else [*schema, {"AttributeName": sort_key, "KeyType": "RANGE"}]
