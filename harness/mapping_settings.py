"""The settings of the event source mapping, as a scenario gives them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from harness.duration import Duration
from harness.mapping import FOREVER
from harness.scenario_part import Part

LEAST_RECORD_AGE, GREATEST_RECORD_AGE = 60, 604_800


def _record_age(value: int) -> int:
    if value != FOREVER and not LEAST_RECORD_AGE <= value <= GREATEST_RECORD_AGE:
        bounds = f"from {LEAST_RECORD_AGE} to {GREATEST_RECORD_AGE} seconds (7 days)"
        raise ValueError(f"got {value}; expected {FOREVER} (until the record leaves the stream), or {bounds}")
    return value


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
