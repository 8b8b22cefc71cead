"""What a platform that is somewhere else refuses, and what with the harness's dispatcher it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.faults import FAULTS
from harness.faults.platform import KillFunction, LostCheckpoint, RecreateMapping, RepeatedDelivery, RestartPlatform
from harness.pipeline.resources import BY_HARNESS, Mapping
from harness.pipeline.stack import Stack
from harness.pipeline.template import read
from harness.platforms.target import OUTAGES, choose_target, unsupported_on_aws, unsupported_on_localstack

SOURCES = Path(__file__).parents[3] / "lambda" / "sources"

SETTINGS: list[dict[str, Any]] = [
    {"bisect_batch_on_function_error": True},
    {"parallelization_factor": 2},
    {"maximum_record_age_in_seconds": 60},
    {"batch_size": 1001},
]


def stack(template: str = "table", **mapping: Any) -> Stack:
    return read(SOURCES / f"{template}.yaml", "s", handler=SOURCES / "naive.py", mapping=mapping)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: next(iter(setting)))
def test_localstack_refuses_a_setting_that_its_mapping_ignores(setting: dict[str, Any]) -> None:
    """By name and with the row; AWS does not, nor does LocalStack when the dispatcher delivers."""
    (reason,) = unsupported_on_localstack(stack(**setting), [])
    assert reason.startswith(f"{next(iter(setting))}: ")
    assert "(G-" in reason
    assert unsupported_on_localstack(stack(**setting, by=BY_HARNESS), []) == []
    assert unsupported_on_aws(Mapping(**setting), []) == []


def test_what_localstack_cannot_do_for_a_table_it_can_do_for_a_kinesis_stream() -> None:
    """There records age (G-06), and a batch may have more than 1000 of them (G-08)."""
    assert unsupported_on_localstack(stack("stream", maximum_record_age_in_seconds=60, batch_size=1001), []) == []


@pytest.mark.parametrize("fault", [RepeatedDelivery(), LostCheckpoint()], ids=lambda fault: fault.NAME)
def test_a_mapping_that_nobody_sees_cannot_be_made_to_deliver_again(fault: Any) -> None:
    """The reason names the way out, on both."""
    for of_platform, by_harness in (
        (unsupported_on_localstack(stack(), [fault]), unsupported_on_localstack(stack(by=BY_HARNESS), [fault])),
        (unsupported_on_aws(Mapping(), [fault]), unsupported_on_aws(Mapping(by=BY_HARNESS), [fault])),
    ):
        (reason,) = of_platform
        assert reason.endswith("`pipeline.mapping.by: harness` can")
        assert by_harness == []


def test_nobody_can_reach_the_machines_of_aws() -> None:
    """Each outage is refused there; the mapping is the user's own, and can be made anew."""
    assert len(unsupported_on_aws(Mapping(), [KillFunction(), RestartPlatform(), RecreateMapping()])) == 2
    assert set(FAULTS) >= OUTAGES


@pytest.mark.parametrize("option", ["account", "profile", "region"])
@pytest.mark.parametrize("platform", [None, "embedded", "localstack"])
def test_aws_is_only_touched_when_it_is_named(platform: str | None, option: str) -> None:
    """Its options alone do not lead there."""
    with pytest.raises(UserError, match="go with --platform aws"):
        choose_target(platform, None, **{option: "x"})


@pytest.mark.parametrize("endpoint", ["https://dynamodb.us-east-1.amazonaws.com", "https://sqs.eu-west-1.api.aws"])
def test_an_address_of_aws_is_no_localstack(endpoint: str) -> None:
    """A slip of the endpoint does not lead there either."""
    with pytest.raises(UserError, match="expected the address of a LocalStack"):
        choose_target("localstack", endpoint)
