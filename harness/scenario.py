"""A scenario as it is when everything in it is known: one variant of what the user wrote, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from harness.duration import Duration
from harness.errors import Problem
from harness.fault_entry import parse_fault
from harness.faults.base import Fault
from harness.faults.partial_failure import PartialFailure
from harness.implementation import implementation
from harness.location import Handler, find, find_handler
from harness.mapping import FOREVER, Mapping
from harness.mistake import shown
from harness.seeds import SEEDS_SCHEMA, parse_seeds

if TYPE_CHECKING:
    from harness.matrix import Variant

NAME_PATTERN = r"^[a-z][a-z0-9-]*$"
TEMPLATE = "template.yaml"
LEAST_RECORD_AGE, GREATEST_RECORD_AGE = 60, 604_800
_VARIABLES = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_TEXT = WithJsonSchema({"type": "string"})


def _located(value: Any, info: ValidationInfo) -> Handler:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected the path of a Python file")
    return find_handler(value, _folders(info))


def _folders(info: ValidationInfo) -> Sequence[Path]:
    return info.context["folders"] if info.context else (Path(),)


def _record_age(value: int) -> int:
    if value != FOREVER and not LEAST_RECORD_AGE <= value <= GREATEST_RECORD_AGE:
        bounds = f"from {LEAST_RECORD_AGE} to {GREATEST_RECORD_AGE} seconds (7 days)"
        raise ValueError(f"got {value}; expected {FOREVER} (until the record leaves the stream), or {bounds}")
    return value


def _as_texts(value: Any) -> Any:
    """Lambda's environment holds texts: a number or a truth value is taken as the word that stands in the file."""
    if not isinstance(value, dict):
        return value
    return {name: _word(inner) for name, inner in value.items()}


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _writer(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected a writer, such as put")
    _writer_class(value)
    return value


def _writer_class(word: str) -> Any:
    from harness.workloads import WRITERS  # botocore: not before a writer is named

    return implementation(word, WRITERS, "a writer")


class Part(BaseModel):
    """What every mapping of a scenario has in common: no key that is not known, no value of a near type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MappingSettings(Part):
    """Settings of the event source mapping; those that are given override the template's.

    Source of the bounds: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """

    by: Literal["platform", "harness"] | None = Field(
        None,
        description="Who delivers: the platform's own mapping, or the harness's dispatcher in its place, which does "
        "all that AWS documents. `platform` unless given; on the embedded platform the two are the same.",
    )
    batch_size: int | None = Field(None, ge=1, le=10_000, description="Most records of one delivery.")
    maximum_batching_window_in_seconds: Annotated[int, Field(ge=0, le=300), Duration()] | None = Field(
        None, description="How long to wait for a batch to fill."
    )
    starting_position: Literal["TRIM_HORIZON", "LATEST"] | None = Field(
        None, description="Where in the stream the mapping begins: at its oldest record, or at what comes next."
    )
    maximum_retry_attempts: int | None = Field(
        None, ge=-1, le=10_000, description="How often a failing batch is retried; -1 is without limit."
    )
    maximum_record_age_in_seconds: (
        Annotated[
            int,
            AfterValidator(_record_age),
            WithJsonSchema(
                {
                    "anyOf": [
                        {"type": "integer", "const": FOREVER},
                        {"type": "integer", "minimum": LEAST_RECORD_AGE, "maximum": GREATEST_RECORD_AGE},
                    ]
                }
            ),
            Duration(),
        ]
        | None
    ) = Field(None, description="Older records are discarded; -1 is without limit, else 60 seconds to 7 days.")
    bisect_batch_on_function_error: bool | None = Field(None, description="Whether a failing batch is split in two.")
    report_batch_item_failures: bool | None = Field(
        None, description="Whether the function's answer may name the records that failed."
    )
    parallelization_factor: int | None = Field(None, ge=1, le=10, description="Batches of a shard under way at once.")
    tumbling_window_in_seconds: Annotated[int, Field(ge=0, le=900), Duration()] | None = Field(
        None, description="Length of the windows over which the function aggregates; 0 is none."
    )
    filter_criteria: tuple[dict[str, Any], ...] | None = Field(
        None, description="Event patterns: a record that matches none of them is not delivered."
    )

    def given(self) -> dict[str, Any]:
        """The settings that the scenario gives, by the names of harness.mapping.Mapping."""
        settings = {name: value for name, value in self if value is not None}
        if "filter_criteria" in settings:
            settings["filter_patterns"] = settings.pop("filter_criteria")
        return settings


class FunctionSettings(Part):
    """Settings of the function; those that are given override the template's."""

    timeout: Annotated[int, Field(ge=1, le=900), Duration()] | None = Field(
        None, description="Whole seconds after which an execution is ended."
    )
    environment: Annotated[dict[str, str], BeforeValidator(_as_texts), WithJsonSchema(_VARIABLES)] = Field(
        {}, description="Environment variables, added to the template's."
    )


class Pipeline(Part):
    """The deployed stack: a handler, its template, and what is set instead of the template's settings."""

    handler: Annotated[Handler, PlainValidator(_located), _TEXT] = Field(
        description="The handler's file, as path.py or path.py:function; the function is `handler` unless named."
    )
    template: Annotated[Path, _TEXT] = Field(
        default_factory=Path,
        validate_default=True,
        description="The CloudFormation template; `template.yaml` beside the handler unless named.",
    )
    mapping: MappingSettings = Field(MappingSettings(), description="Overrides of the event source mapping's settings.")
    function: FunctionSettings = Field(FunctionSettings(), description="Overrides of the function's settings.")
    shards: int = Field(1, ge=1, le=8, description="How many shards the embedded platform gives the stream.")

    @field_validator("template", mode="plain")
    @classmethod
    def _template(cls, value: Any, info: ValidationInfo) -> Path:
        handler: Handler | None = info.data.get("handler")
        if isinstance(value, str):
            return find(value, _folders(info))
        if value is not None and value != Path():
            raise ValueError(f"got {shown(value)}; expected the path of a CloudFormation template")
        if handler is None:
            return Path()  # the handler was refused, and that was said
        beside = handler.file.parent / TEMPLATE
        if not beside.is_file():
            raise ValueError(f"no '{TEMPLATE}' beside '{handler.file.name}': name a template")
        return beside


class Sdk(Part):
    """boto3's settings of retries. Source: its configuration guide, "Retries"."""

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
    intents: int = Field(ge=1, le=10_000, description="How many changes are wanted in all.")
    items: int | None = Field(None, ge=1, description="Over how many items they are spread; one each unless given.")
    writers: int = Field(1, ge=1, le=64, description="How many writer processes there are.")
    titles: dict[str, str] = Field({}, description="Titles of items, by their ids (todo-0, todo-1, …).")
    sdk: Sdk = Field(Sdk(), description="How the writers' SDK retries.")

    @field_validator("items")
    @classmethod
    def _not_more_than_intents(cls, items: int | None, info: ValidationInfo) -> int | None:
        intents = info.data.get("intents")
        if items is not None and intents is not None and items > intents:
            raise ValueError(f"got {items}; expected at most {intents}: every item has at least one intent")
        return items

    @property
    def item_count(self) -> int:
        return self.intents if self.items is None else self.items

    @property
    def writer_class(self) -> Any:
        """The class that the word stands for (harness.workloads.base.Writer)."""
        return _writer_class(self.writer)


class Limits(Part):
    """How far a run may go."""

    drive: Annotated[float, Field(gt=0), Duration()] = Field(
        3600, description="How long faults act at most; they heal earlier where the pipeline comes to rest."
    )
    drain: Annotated[float, Field(gt=0), Duration()] = Field(
        93_600, description="How long it may take to come to rest after that; a run that takes longer is unknown."
    )
    steps: int = Field(
        1_000_000, ge=1, description="How many steps the embedded platform may take; a run that needs more is unknown."
    )


class Scenario(Part):
    """One variant, concrete."""

    scenario: str = Field(pattern=NAME_PATTERN, description="The scenario's name.", examples=["duplicate-put"])
    question: str = Field(min_length=1, description="What a run of it answers, as a question.")
    pipeline: Pipeline = Field(description="What is under test.")
    workload: Workload = Field(description="What is written into the source table, and how.")
    faults: tuple[Annotated[Fault, PlainValidator(parse_fault), WithJsonSchema({})], ...] = Field(
        (), description="The faults of a run: a word alone, or a word with its fields."
    )
    seeds: Annotated[tuple[int, ...], PlainValidator(parse_seeds), WithJsonSchema(SEEDS_SCHEMA)] = Field(
        (0,), description="One run for each seed: a number, a list of numbers, or a range such as 0..49."
    )
    limits: Limits = Field(Limits(), description="The bounds of a run.")


def refuse(variant: Variant, mapping: Mapping) -> list[Problem]:
    """What makes no sense together with the mapping as it will be, the template's settings included."""
    return [
        variant.document.problem(
            ("faults", index),
            f"{fault.NAME} needs report_batch_item_failures: without it Lambda ignores what the answer names",
        )
        for index, fault in enumerate(variant.scenario.faults)
        if isinstance(fault, PartialFailure) and not mapping.report_batch_item_failures
    ]
