"""Every test that takes `database` runs twice: on the embedded services and on the official DynamoDB Local."""

from __future__ import annotations

import os
from collections.abc import Iterator

import database as databases
import pytest
from dynamodb_local import Missing, running


@pytest.fixture(scope="session")
def local_endpoint() -> Iterator[str]:
    """The endpoint of DynamoDB Local; where it cannot be had the test is skipped, and fails if CI is set."""
    try:
        with running() as endpoint:
            yield endpoint
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"DynamoDB Local cannot be run: {missing}")
        pytest.skip(f"DynamoDB Local cannot be run: {missing}")


@pytest.fixture(params=["embedded", "local"])
def database(request: pytest.FixtureRequest) -> databases.Database:
    if request.param == "embedded":
        return databases.embedded()
    return databases.local(request.getfixturevalue("local_endpoint"))


@pytest.fixture
def table(database: databases.Database) -> databases.Table:
    """A new table with a stream of both images."""
    return database.table()
