"""The settings of an event source mapping for a stream of DynamoDB or Kinesis, with AWS's names, defaults and bounds.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html (semantics rows S-62…S-86).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FOREVER = -1
BY_PLATFORM, BY_HARNESS = "platform", "harness"
TRIM_HORIZON, LATEST = "TRIM_HORIZON", "LATEST"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Seconds where a name ends in `_seconds`; -1 means without limit.

    by: who delivers, the platform's own mapping or the harness's dispatcher in its place (design, decision 7).
    """

    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    starting_position: str = TRIM_HORIZON
    maximum_retry_attempts: int = FOREVER
    maximum_record_age_in_seconds: int = FOREVER
    bisect_batch_on_function_error: bool = False
    report_batch_item_failures: bool = False
    parallelization_factor: int = 1
    tumbling_window_in_seconds: int = 0
    filter_patterns: tuple[dict[str, Any], ...] = field(default=())
    on_failure_arn: str | None = None
    enabled: bool = True
    by: str = BY_PLATFORM
