"""For all tests: they do not depend on how the session was started, or on a LocalStack that happens to run here."""

from __future__ import annotations

import os
import signal

from harness.runner import collect_seldom

os.environ.pop("COLUMNS", None)  # which xdist sets: reports are as wide as they like
os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"  # nobody listens there
# A shell lets what it starts in the background ignore Ctrl-C, and nohup SIGHUP; the tests of both would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """What was imported for the tests stays."""
    collect_seldom()
