"""The settings of an event source mapping for a stream of DynamoDB or Kinesis: names, defaults and bounds, said once.

What a scenario may override and what a template may say are derived from the fields of `Mapping`.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html (semantics rows S-62…S-86),
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, Literal, get_type_hints

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic.alias_generators import to_pascal
from pydantic.fields import FieldInfo

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


@dataclass(frozen=True, slots=True)
class Mapping:
    """Seconds where a name ends in `_in_seconds`; -1 means without limit. AWS's name of `batch_size` is BatchSize.

    by: the platform's own mapping, or the harness's dispatcher in its place (docs/design.md, decision 7).
    """

    by: Annotated[
        Literal["platform", "harness"],
        Field(
            description="Who delivers: the platform's own mapping, or the harness's dispatcher in its place, which "
            "does all that AWS documents. `platform` unless given; on the embedded platform the two are the same."
        ),
    ] = BY_PLATFORM
    batch_size: Annotated[int, Field(ge=1, le=10_000, description="Most records of one delivery.")] = 100
    maximum_batching_window_in_seconds: Annotated[
        int, Field(ge=0, le=300, description="How long to wait for a batch to fill.")
    ] = 0
    starting_position: Annotated[
        Literal["TRIM_HORIZON", "LATEST"],
        Field(description="Where in the stream the mapping begins: at its oldest record, or at what comes next."),
    ] = TRIM_HORIZON
    maximum_retry_attempts: Annotated[
        int, Field(ge=-1, le=10_000, description="How often a failing batch is retried; -1 is without limit.")
    ] = FOREVER
    maximum_record_age_in_seconds: Annotated[
        int,
        Field(description="Older records are discarded; -1 is without limit, else 60 seconds to 7 days."),
        AfterValidator(_record_age),
        WithJsonSchema(_RECORD_AGE_SCHEMA),
    ] = FOREVER
    bisect_batch_on_function_error: Annotated[bool, Field(description="Whether a failing batch is split in two.")] = (
        False
    )
    report_batch_item_failures: Annotated[
        bool, Field(description="Whether the function's answer may name the records that failed.")
    ] = False
    parallelization_factor: Annotated[int, Field(ge=1, le=10, description="Batches of a shard under way at once.")] = 1
    tumbling_window_in_seconds: Annotated[
        int, Field(ge=0, le=900, description="Length of the windows over which the function aggregates; 0 is none.")
    ] = 0
    filter_criteria: Annotated[
        tuple[dict[str, Any], ...],
        Field(description="Event patterns: a record that matches none of them is not delivered."),
    ] = ()
    on_failure_arn: str | None = None
    enabled: bool = True

    def properties(self, written: Collection[str] = ()) -> dict[str, Any]:
        """The settings under CloudFormation's names: those that are not defaults, and those that are `written`."""
        settings, defaults = self._at_aws(), Mapping()._at_aws()
        always = ("BatchSize", "StartingPosition", *written)
        return {name: value for name, value in settings.items() if name in always or value != defaults[name]}

    def _at_aws(self) -> dict[str, Any]:
        return {
            **{to_pascal(name): getattr(self, name) for name in SAME_AT_AWS},
            "Enabled": self.enabled and self.by != BY_HARNESS,
            "FunctionResponseTypes": ["ReportBatchItemFailures"] if self.report_batch_item_failures else [],
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in self.filter_criteria]},
        }


_OUR_SHAPE = ("by", "report_batch_item_failures", "filter_criteria", "on_failure_arn", "enabled")
# The settings that have the same shape at AWS: `batch_size` is BatchSize there.
SAME_AT_AWS = tuple(field.name for field in fields(Mapping) if field.name not in _OUR_SHAPE)
_HINTS = get_type_hints(Mapping, include_extras=True)
SETTINGS = {name: FieldInfo.from_annotation(hint) for name, hint in _HINTS.items()}


def setting_type(name: str) -> Any:
    """The type of a setting with its bounds, for a model that pydantic validates."""
    info = SETTINGS[name]
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
