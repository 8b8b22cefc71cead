"""The properties of the CloudFormation resources that make a pipeline.

A property in a model is read. One in `ignored` changes nothing that a run measures. Any other is not imitated.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

# Annotations are no texts here: pydantic would compile each of them.
import json
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from harness.errors import DocumentPath, NotImitated, Problem, UserError, nearest
from harness.pipeline.intrinsics import NO_VALUE, Scope, text
from harness.pipeline.resources import RETENTION_SECONDS, SAME_AT_AWS, Index, Mapping, Table, setting_type
from harness.pipeline.stack import is_python


def _text(value: Any) -> Any:
    return text(value) if isinstance(value, bool | int | float) else value


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error


def _runtime(name: str) -> str:
    if not is_python(name):
        raise ValueError("only Python can be run: python3.12 and the like")
    return name


Text = Annotated[str, BeforeValidator(_text)]


class Properties(BaseModel):
    """A resource's properties, or a part of them, under AWS's names."""

    model_config = ConfigDict(alias_generator=to_pascal, frozen=True, defer_build=True)
    ignored: ClassVar[tuple[str, ...]] = ()


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


KeySchema = Annotated[list[KeyElement], AfterValidator(_key_schema)]


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

    def to_index(self) -> Index:
        projection = self.projection
        return Index(
            self.index_name,
            self.partition_key,
            self.sort_key,
            projection.projection_type,
            projection.non_key_attributes,
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
    global_secondary_indexes: list[SecondaryIndex] = []
    stream_specification: StreamSpecification | None = None
    time_to_live_specification: TimeToLiveSpecification | None = None

    @model_validator(mode="after")
    def _keys_are_defined(self) -> Self:
        defined = [attribute.attribute_name for attribute in self.attribute_definitions]
        of_indexes = [element for index in self.global_secondary_indexes for element in index.key_schema]
        for name in (element.attribute_name for element in (*self.key_schema, *of_indexes)):
            if name not in defined:
                raise ValueError(f"key '{name}' is not in AttributeDefinitions. {nearest(name, defined)}")
        return self

    def to_table(self, logical_id: str, name: str, role: str | None) -> Table:
        stream, ends = self.stream_specification, self.time_to_live_specification
        return Table(
            logical_id,
            name,
            self.partition_key,
            self.sort_key,
            {attribute.attribute_name: attribute.attribute_type for attribute in self.attribute_definitions},
            tuple(index.to_index() for index in self.global_secondary_indexes),
            stream.stream_view_type if stream else None,
            ends.attribute_name if ends and ends.enabled else None,
            role=role,
        )


class Environment(Properties):
    variables: dict[str, Text] = {}


class FunctionProperties(Properties):
    ignored = (
        "Architectures",
        "Code",
        "DeadLetterConfig",  # for asynchronous calls only
        "Description",
        "EphemeralStorage",
        "KmsKeyArn",
        "LoggingConfig",
        "RecursiveLoop",
        "Role",
        "RuntimeManagementConfig",
        "Tags",
        "TracingConfig",
        "VpcConfig",
    )
    function_name: str | None = None
    handler: Annotated[str, Field(pattern=r"^[\w/-]+(\.\w+)+$")]
    runtime: Annotated[str, AfterValidator(_runtime)]
    timeout: Annotated[int, Field(ge=1, le=900)] = 3
    memory_size: Annotated[int, Field(ge=128, le=10_240)] = 128
    environment: Environment = Environment.model_construct()
    package_type: Literal["Zip"] = "Zip"


class AnyLanguageFunctionProperties(FunctionProperties):
    """In any language: where the platform has its runtime, and the handler goes without the agent."""

    handler: str
    runtime: str


class Filter(Properties):
    pattern: Annotated[dict[str, Any], BeforeValidator(_json)]


class FilterCriteria(Properties):
    filters: list[Filter] = []


class OnFailure(Properties):
    destination: str


class DestinationConfig(Properties):
    on_failure: OnFailure | None = None


class _MappingEnds(Properties):
    """What a mapping connects, and the settings that have another shape here than in harness.pipeline.resources."""

    ignored = ("KmsKeyArn", "LoggingConfig", "MetricsConfig", "Tags")
    event_source_arn: str
    function_name: str
    function_response_types: list[Literal["ReportBatchItemFailures"]] = []
    filter_criteria: FilterCriteria = FilterCriteria.model_construct()
    destination_config: DestinationConfig = DestinationConfig.model_construct()
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


_defaults = {name: getattr(Mapping(), name) for name in SAME_AT_AWS} | {"starting_position": ...}  # AWS has none for it
_same: dict[str, Any] = {name: (setting_type(name), default) for name, default in _defaults.items()}
MappingProperties = create_model("MappingProperties", __base__=_MappingEnds, **_same)


P = TypeVar("P", bound=Properties)
T = TypeVar("T")


def properties(logical_id: str, *names: str) -> DocumentPath:
    return ("Resources", logical_id, "Properties", *names)


class PropertiesReader:
    """Goes on after a problem, so that the user gets all problems at once.

    `not_imitated` says what the embedded platform must refuse.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.not_imitated: list[str] = []
        self._problems: list[Problem] = []

    def add(self, path: DocumentPath, message: str) -> None:
        self._problems.append(self.scope.document.problem(path, message))

    def set_aside(self, path: DocumentPath, message: str) -> None:
        self.not_imitated.append(str(self.scope.document.problem(path, message)))

    def raise_problems(self) -> None:
        if self._problems:
            raise UserError(self._problems)

    def each(self, type: str, read: Callable[[str], T]) -> list[T]:
        """Reads every resource of a type. One that cannot be read is left out, and its problem is collected."""
        values = []
        for logical_id in self.scope.of_type(type):
            try:
                values.append(read(logical_id))
            except UserError as error:
                self._problems += error.problems
            except NotImitated as error:
                self.not_imitated.append(str(error))
        return values

    def read(self, logical_id: str, model: type[P]) -> P:
        """The properties of a resource, resolved and checked. Raises UserError, NotImitated."""
        aliases = [str(field.alias) for field in model.model_fields.values()]
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        unknown_values: dict[str, NotImitated] = {}
        for name in self.scope.document.at(properties(logical_id)) or {}:
            path = properties(logical_id, name)
            if name in aliases:
                try:
                    values[name] = self.scope.resolver.resolve(path)
                except UserError as error:
                    problems += error.problems
                except NotImitated as error:
                    unknown_values[name] = error
            elif name not in model.ignored:
                message = f"{name} of a {self.scope.types[logical_id]} is not imitated."
                self.set_aside(path, f"{message} {nearest(name, (*aliases, *model.ignored))}")
        if problems:
            raise UserError(problems)
        return self._validated(logical_id, model, values, unknown_values)

    def _validated(
        self, logical_id: str, model: type[P], values: dict[str, Any], unknown_values: dict[str, NotImitated]
    ) -> P:
        try:
            read = model.model_validate({name: value for name, value in values.items() if value is not NO_VALUE})
        except ValidationError as error:
            details = error.errors(include_url=False)
            for detail in details:
                if detail["loc"] and detail["loc"][0] in unknown_values:
                    raise unknown_values[str(detail["loc"][0])] from error
            raise UserError(
                self.scope.document.problem((*properties(logical_id), *detail["loc"]), _message(detail))
                for detail in details
            ) from error
        self.not_imitated += [str(error) for error in unknown_values.values()]
        return read


def _message(detail: Any) -> str:
    """What is wrong, and the value, where that is one word and the message does not say it."""
    prefix = "Value error, "
    message = str(detail["msg"])
    message = message.removeprefix(prefix) if message.startswith(prefix) else message[0].lower() + message[1:]
    value = detail["input"]
    is_complete = message.startswith("got ") or not isinstance(value, str | int | float)
    return message if is_complete else f"{message}, not {value!r}"


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

    SHARDS: ClassVar[dict[str, int]] = {"PROVISIONED": 1, "ON_DEMAND": 4}
    ignored = ("DesiredShardLevelMetrics", "StreamEncryption", "Tags", "WarmThroughputMiBps")
    name: str | None = None
    shard_count: Annotated[int, Field(ge=1, le=100)] | None = None
    stream_mode_details: StreamMode = StreamMode.model_construct(stream_mode="PROVISIONED")
    retention_period_hours: int = RETENTION_SECONDS // 3600

    @property
    def shards(self) -> int:
        return self.shard_count or self.SHARDS[self.stream_mode_details.stream_mode]
