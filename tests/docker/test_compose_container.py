"""What runs on the LocalStack in a container, and what can be done to it."""

from __future__ import annotations

from subprocess import CompletedProcess

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from command import Harness, dynamodb

from harness.localstack.compose import Compose
from harness.localstack.health import health, local
from harness.reports import ExitCode

SCENARIOS = ("duplicate_put", "retry", "crash")
TABLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def played(up: int, harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CompletedProcess[str]]:
    """One after another, with two runs at a time: on a slow machine more of them make functions time out."""
    place = ("--platform", "localstack", "--endpoint", local(up), "--runs", tmp_path_factory.mktemp("runs"))
    return {name: harness("run", f"scenarios/{name}.yaml", "--processes", "2", *place) for name in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_ends_as_it_expects(scenario: str, played: dict[str, CompletedProcess[str]]) -> None:
    """Every variant, with our agent and executor in the container's functions."""
    done = played[scenario]
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


def test_an_up_that_fails_leaves_alone_what_runs(
    up: int, port: int, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another port and an image that is not to be had: the one that was up still is."""
    monkeypatch.setenv("LOCALSTACK_IMAGE", "registry.invalid/harness:none")
    assert harness("up", "--port", port).returncode == ExitCode.USER_MISTAKE
    assert health(local(up))
