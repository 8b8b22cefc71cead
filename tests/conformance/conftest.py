"""Every test that takes `database` runs twice: on the embedded services and on the official DynamoDB Local.

One that takes `streams` runs on the embedded Kinesis and on Kinesis Mock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import database as databases
import dynamodb_local
import kinesis_mock
import pytest
from npm_server import Missing


@pytest.fixture(scope="session")
def local_endpoint() -> Iterator[str]:
    """The endpoint of DynamoDB Local."""
    with _missed("DynamoDB Local"), dynamodb_local.running() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def mock_endpoint() -> Iterator[str]:
    """The endpoint of Kinesis Mock."""
    with _missed("Kinesis Mock"), kinesis_mock.running() as endpoint:
        yield endpoint


@contextmanager
def _missed(what: str) -> Iterator[None]:
    """Where it cannot be had the test is skipped, and fails if CI is set."""
    try:
        yield
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{what} cannot be run: {missing}")
        pytest.skip(f"{what} cannot be run: {missing}")


@pytest.fixture(params=["embedded", "mock"])
def streams(request: pytest.FixtureRequest) -> Any:
    """A client of Kinesis."""
    if request.param == "embedded":
        return databases.embedded_kinesis()
    return databases.client("kinesis", request.getfixturevalue("mock_endpoint"))


@pytest.fixture(params=["embedded", "local"])
def database(request: pytest.FixtureRequest) -> databases.Database:
    if request.param == "embedded":
        return databases.embedded()
    return databases.local(request.getfixturevalue("local_endpoint"))


@pytest.fixture
def table(database: databases.Database) -> databases.Table:
    """A new table with a stream of both images."""
    return database.table()
