"""For all tests: a LocalStack that happens to run on this machine is not the one that they mean."""

from __future__ import annotations

import os

from harness.runner import collect_seldom

os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"  # nobody listens there


def pytest_collection_finish() -> None:
    """What was imported for the tests stays."""
    collect_seldom()
