"""A scenario as it is when everything in it is known: one variant of what the user wrote, checked."""

# Annotations are no texts here: pydantic would compile each of them.
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)

from harness.documents import parse
from harness.errors import UserError, shown
from harness.faults.base import Fault
from harness.pipeline.resources import SETTINGS, DataStream, Table, setting_type
from harness.pipeline.stack import checked
from harness.scenario.fault_entry import parse_fault
from harness.scenario.fields import (
    HERE,
    OWN_SCHEMA,
    SEEDS_SCHEMA,
    Duration,
    Handler,
    checker_class,
    find,
    find_handler,
    implementation,
    parse_seeds,
)

Expression = Annotated[str, Field(min_length=1), AfterValidator(checked)]


class Part(BaseModel):
    """A mapping of a scenario: unknown keys are refused, and so are values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Sink(Part):
    """A table of the template where effects land; its rows are read as plain JSON."""

    role: Literal["ledger", "view"] = Field(
        "ledger", description="A row for each effect, or the latest state of each item."
    )
    intent: Expression = Field("intent", description="Where a row says which intent it is of.")
    item: Expression | None = Field(
        None, description="Where a row says of which item; `item` in a ledger, the key in a view unless given."
    )
    count: Expression | None = Field(
        None,
        description="Where a row says how many effects it stands for, else one; in a view, how many changes it counts.",
    )


class SourceAttribution(Part):
    """The table or the Kinesis stream that triggers the function."""

    intent: Expression = Field("intent", description="Where an item says which intent has made it what it is.")
    item: Expression | None = Field(None, description="Where an item says its name; `id` or else its key unless given.")


def named(value: Any) -> Any:
    """A function that is a text is the function of that name."""
    return {"name": value} if isinstance(value, str) else value


_ONLY_IN_TEMPLATES = ("enabled", "on_failure_arn")


def _optional(name: str) -> Any:
    kind = setting_type(name)
    kind = Annotated[kind, Duration()] if name.endswith("_in_seconds") else kind
    return kind | None, Field(None, description=SETTINGS[name].description)


_optional_settings = {name: _optional(name) for name in SETTINGS if name not in _ONLY_IN_TEMPLATES}
_MappingSettings = create_model("_MappingSettings", __base__=Part, **_optional_settings)


class MappingOverrides(_MappingSettings):
    """Settings of the event source mapping; those that are given override the template's.

    Source of the bounds: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """

    def settings(self) -> dict[str, Any]:
        """The settings that the scenario gives, by the names of harness.pipeline.resources.Mapping."""
        return {name: value for name, value in self if value is not None}


NAME_PATTERN = r"^[a-z][a-z0-9-]*$"
TEMPLATE = "template.yaml"
_VARIABLES = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_TEXT = WithJsonSchema({"type": "string"})


def _located(value: Any, info: ValidationInfo) -> Handler:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected the path of a Python file")
    return find_handler(value, _folders(info))


def _folders(info: ValidationInfo) -> tuple[Path, ...]:
    return info.context["folders"] if info.context else HERE


def _read_items(value: Any, info: ValidationInfo) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected the path of a file with a list of items")
    file = find(value, _folders(info))
    try:
        items = parse(file.read_bytes(), str(file)).value
    except UserError as error:
        raise ValueError(str(error)) from error
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) and item for item in items):
        raise ValueError(f"'{value}' holds {shown(items)}; expected a list of items, each with attributes")
    return tuple(items)


def _as_texts(value: Any) -> Any:
    """Numbers, true and false become the words that stand in the file, because the values are texts."""
    if not isinstance(value, dict):
        return value
    return {name: _word(inner) for name, inner in value.items()}


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _writer(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected a writer, such as put")
    _writer_class(value, _folders(info))
    return value


def _own_checker(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str) or ":" not in value:
        raise ValueError(f"got {shown(value)}; expected module:Class: the built-in checkers always run")
    checker_class(value, _folders(info))
    return value


def _fault(value: Any, info: ValidationInfo) -> Fault:
    return parse_fault(value, _folders(info))


def _writer_class(word: str, folders: Sequence[Path], source: str = Table.service) -> Any:
    """A class that is no Writer, but has its methods, gets the rest of the contract from Writer."""
    from harness.workload import STREAM_WRITERS, WRITERS
    from harness.workload.base import Writer

    kinesis = source == DataStream.service
    table, noun = (STREAM_WRITERS, "a writer into a Kinesis stream") if kinesis else (WRITERS, "a writer")
    writer = implementation(word, table, noun, folders=folders)
    if not callable(getattr(writer, "write", None)) or not isinstance(getattr(writer, "OPERATION", None), str):
        raise ValueError(f"'{word}' is not {noun}: it needs a text OPERATION and a method write(change, note)")
    return writer if issubclass(writer, Writer) else type(writer.__name__, (writer, Writer), {})


class FunctionOverrides(Part):
    """Settings of the function; those that are given override the template's."""

    name: str | None = Field(None, description="Its logical id in the template, where several functions have a stream.")
    timeout: Annotated[int, Field(ge=1, le=900), Duration()] | None = Field(
        None, description="Whole seconds after which an execution is ended."
    )
    environment: Annotated[dict[str, str], BeforeValidator(_as_texts), WithJsonSchema(_VARIABLES)] = Field(
        {}, description="Environment variables, added to the template's."
    )


class Pipeline(Part):
    """The deployed stack: a handler, its template, and what is set instead of the template's settings."""

    handler: Annotated[Handler, PlainValidator(_located), _TEXT] | None = Field(
        None,
        description="The handler's file, as path.py or path.py:function; the function is `handler` unless named. "
        "Without one it is the template's own.",
    )
    template: Annotated[Path, _TEXT] = Field(
        default_factory=Path,
        validate_default=True,
        description="The CloudFormation or SAM template; `template.yaml` beside the handler unless named.",
    )
    parameters: Annotated[dict[str, str], BeforeValidator(_as_texts), WithJsonSchema(_VARIABLES)] = Field(
        {}, description="Values of the template's parameters; those without a default need one."
    )
    mapping: MappingOverrides = Field(
        MappingOverrides.model_construct(), description="Overrides of the event source mapping's settings."
    )
    function: Annotated[FunctionOverrides, BeforeValidator(named)] = Field(
        FunctionOverrides.model_construct(), description="The function by its logical id, or overrides of its settings."
    )
    source: SourceAttribution = Field(
        SourceAttribution.model_construct(), description="Where the source's items say what they are about."
    )
    sinks: dict[str, Sink] = Field(
        {}, description="Where effects land, by logical id, for a template that does not say so itself."
    )
    leaves_out: bool = Field(
        False,
        description="Whether the function leaves changes out on purpose: one that has no effect without the faults "
        "either is then not lost.",
    )
    shards: int = Field(1, ge=1, le=8, description="How many shards the embedded platform gives a table's stream.")

    @field_validator("template", mode="plain")
    @classmethod
    def _template(cls, value: Any, info: ValidationInfo) -> Path:
        if isinstance(value, str):
            return find(value, _folders(info))
        if value is not None and value != Path():
            raise ValueError(f"got {shown(value)}; expected the path of a CloudFormation template")
        if "handler" not in info.data:
            return Path()  # the handler was refused, and is reported
        handler: Handler | None = info.data["handler"]
        if handler is None:
            raise ValueError("name a template, or a handler with one beside it")
        beside = handler.file.parent / TEMPLATE
        if not beside.is_file():
            raise ValueError(f"no '{TEMPLATE}' beside '{handler.file.name}': name a template")
        return beside


class Sdk(Part):
    """boto3's retry settings. Source: its configuration guide, "Retries"."""

    retry_mode: Literal["legacy", "standard", "adaptive"] | None = Field(
        None, description="The SDK's retry mode; boto3's own default unless given."
    )
    max_attempts: int | None = Field(
        None, ge=1, le=20, description="All requests of one call at most; the retry mode's own number unless given."
    )


class Workload(Part):
    """The changes that are wanted, and the writers that make them."""

    writer: Annotated[str, PlainValidator(_writer), _TEXT] = Field(
        description="The writer pattern: a word of the table, or module:attr."
    )
    data: Annotated[tuple[dict[str, Any], ...], PlainValidator(_read_items), _TEXT] | None = Field(
        None, description="A file, YAML or JSON, with a list of items of your own, which are written instead."
    )
    intents: int = Field(ge=1, le=10_000, description="How many changes are wanted in all.")
    items: int | None = Field(None, ge=1, description="Over how many items they are spread; one each unless given.")
    writers: int = Field(1, ge=1, le=64, description="How many writer processes there are.")
    share: bool = Field(
        False,
        description="Whether the writers take turns at each item, so that one may overwrite another's change; else an "
        "item has one writer.",
    )
    titles: dict[str, str] = Field({}, description="Titles of items, by their ids (todo-0, todo-1, …).")
    sdk: Sdk = Field(Sdk.model_construct(), description="How the writers' SDK retries.")

    @model_validator(mode="before")
    @classmethod
    def _one_for_each(cls, values: Any, info: ValidationInfo) -> Any:
        """`intents` is the number of items in `data`, unless the scenario gives it."""
        if not isinstance(values, dict) or "data" not in values or "intents" in values:
            return values
        try:
            return values | {"intents": len(_read_items(values["data"], info))}
        except ValueError:  # reported at `data`
            return values | {"intents": 1}

    @field_validator("items")
    @classmethod
    def _not_more_than_intents(cls, items: int | None, info: ValidationInfo) -> int | None:
        intents = info.data.get("intents")
        if items is not None and intents is not None and items > intents:
            raise ValueError(f"got {items}; expected at most {intents}: every item has at least one intent")
        data = info.data.get("data")
        if items is not None and data and items > len(data):
            raise ValueError(f"got {items}; expected at most {len(data)}, as many as `data` holds")
        return items

    @property
    def item_count(self) -> int:
        most = min(self.intents, len(self.data)) if self.data else self.intents
        return most if self.items is None else self.items

    def writer_class(self, source: str, folders: Sequence[Path]) -> Any:
        """The class of the writer (harness.workload.base.Writer) for a source of this service.

        folders: the scenario's, where the module of a writer of the user's own may lie.

        Raises ValueError where the writer cannot write into such a source.
        """
        return _writer_class(self.writer, folders, source)


MAX_SECONDS = 1_000_000_000  # more than thirty years


class Limits(Part):
    """How far a run may go."""

    drive: Annotated[float, Field(gt=0, le=MAX_SECONDS), Duration()] = Field(
        3600, description="How long faults act at most; they heal earlier if the pipeline becomes quiet."
    )
    drain: Annotated[float, Field(gt=0, le=MAX_SECONDS), Duration()] = Field(
        93_600,
        description="How long the pipeline may take to become quiet after that; a run that takes longer is unknown.",
    )
    steps: int = Field(
        1_000_000, ge=1, description="How many steps the embedded platform may take; a run that needs more is unknown."
    )


class Scenario(Part):
    """One variant: every value is known."""

    scenario: str = Field(
        max_length=100, pattern=NAME_PATTERN, description="The scenario's name.", examples=["duplicate-put"]
    )
    question: str = Field(min_length=1, description="What a run of it answers, as a question.")
    pipeline: Pipeline = Field(description="What is under test.")
    workload: Workload = Field(description="What is written into the source, and how.")
    faults: tuple[Annotated[Fault, PlainValidator(_fault), WithJsonSchema({})], ...] = Field(
        (), description="The faults of a run: a word alone, or a word with its fields."
    )
    checkers: tuple[Annotated[str, PlainValidator(_own_checker), WithJsonSchema(OWN_SCHEMA)], ...] = Field(
        (), description="Checkers of your own, each as module:Class; the built-in ones always run."
    )
    seeds: Annotated[tuple[int, ...], PlainValidator(parse_seeds), WithJsonSchema(SEEDS_SCHEMA)] = Field(
        (0,), description="One run for each seed: a number, a list of numbers, or a range such as 0..49."
    )
    limits: Limits = Field(Limits.model_construct(), description="The bounds of a run.")
