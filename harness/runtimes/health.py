"""Asks LocalStack how it is, and waits until it is well."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import UserError
from harness.runtimes.base import Say

ASK_SECONDS = 5
POLL_SECONDS = 0.1
READY_SECONDS = 120
# Whatever proxy is set, 127.0.0.1 is asked without it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Health:
    """What /_localstack/health says: the version, and the services that are not disabled."""

    version: str
    services: tuple[str, ...]


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def health(endpoint: str) -> Health | None:
    """None when no LocalStack answers there."""
    try:
        with _OPENER.open(f"{endpoint.rstrip('/')}/_localstack/health", timeout=ASK_SECONDS) as answer:
            told = json.load(answer)
        services = sorted(name for name, state in told["services"].items() if state != "disabled")
        return Health(told["version"], tuple(services))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def wait_until_healthy(port: int, ended: Callable[[], str | None], say: Say) -> Health:
    """Polls for at most READY_SECONDS. `ended` explains why it is no use to wait any longer. Raises UserError."""
    say(f"waiting for LocalStack at 127.0.0.1:{port}")
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if found := health(local(port)):
            return found
        if reason := ended():
            raise UserError(reason)
        time.sleep(POLL_SECONDS)
    raise UserError(f"LocalStack did not answer at 127.0.0.1:{port} in {READY_SECONDS} s")


def wait_until_dynamodb_answers(port: int, say: Say) -> None:
    """The first request waits until DynamoDB Local has started; its failure is better told now than in a run."""
    say("waiting for DynamoDB Local")
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/",
        data=b"{}",
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810.ListTables",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    try:
        with _OPENER.open(request, timeout=READY_SECONDS) as answer:
            answer.read()
    except OSError as error:
        raise UserError(f"LocalStack is up, but DynamoDB Local did not start: {error}") from error
