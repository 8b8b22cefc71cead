"""What runs on the LocalStack in a container, and what can be done to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from command import ROOT, Harness, dynamodb

from harness.runtimes.compose import Compose
from harness.runtimes.health import health, local

TABLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.mark.parametrize("scenario", ["duplicate_put", "retry", "crash"])
def test_a_scenario_ends_as_it_expects(scenario: str, up: int, harness: Harness, tmp_path: Path) -> None:
    """Every variant, with our agent and executor in the container's functions."""
    file = ROOT / "scenarios" / f"{scenario}.yaml"
    done = harness("run", file, "--platform", "localstack", "--endpoint", local(up), "--runs", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_paused_container_stands_still_and_goes_on(up: int) -> None:
    """It answers nobody meanwhile, and has lost nothing afterwards."""
    dynamodb(up).create_table(TableName="paused", **TABLE)
    Compose().pause(up)
    try:
        with pytest.raises(ReadTimeoutError):
            dynamodb(up).list_tables()
    finally:
        Compose().resume(up)
    assert "paused" in dynamodb(up).list_tables()["TableNames"]


def test_a_killed_container_is_gone_at_once_and_starts_anew(up: int) -> None:
    """Nobody listens any more; `start` returns when LocalStack answers again, which remembers nothing."""
    dynamodb(up).create_table(TableName="killed", **TABLE)
    Compose().kill(up)
    try:
        with pytest.raises(EndpointConnectionError):
            dynamodb(up).list_tables()
    finally:
        again = Compose().start(up, print)
    assert again.healthy
    assert Compose().status() == [again]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        dynamodb(up).describe_table(TableName="killed")


def test_start_leaves_alone_what_runs(up: int) -> None:
    """As `up` does."""
    dynamodb(up).create_table(TableName="running", **TABLE)
    assert Compose().start(up, print).healthy
    assert "running" in dynamodb(up).list_tables()["TableNames"]
    assert health(local(up))
