"""The endpoints that the harness serves: what is applied, and what is known again, here and over a socket."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from small_template import after, write

from harness.errors import UserError
from harness.pipeline.stack import Endpoint
from harness.pipeline.template import read
from harness.platforms import PLATFORMS
from harness.platforms.base import Request
from harness.platforms.endpoints import Endpoints, serving
from harness.platforms.target import Target, unsupported


@pytest.fixture
def endpoints() -> Endpoints:
    return Endpoints([Endpoint("HONOURS", True), Endpoint("IGNORES", False)])


def status(endpoints: Endpoints, path: str, body: bytes = b"one", key: str = "", method: str = "POST") -> int:
    headers = {"Idempotency-KEY": key} if key else {}
    return endpoints.handle(Request("http", method, method, f"http://server/{path}", headers, body)).status


def test_every_request_without_a_key_is_applied(endpoints: Endpoints) -> None:
    """Also where the path goes on behind the endpoint's own."""
    assert [status(endpoints, path) for path in ("HONOURS", "HONOURS/charges?now", "IGNORES")] == [200] * 3
    assert endpoints.applied == [("HONOURS", b"one"), ("HONOURS", b"one"), ("IGNORES", b"one")]


def test_a_key_is_known_again_where_it_is_honoured(endpoints: Endpoints) -> None:
    """By one endpoint, not by the other; another key is another request (P-15)."""
    for path in ("HONOURS", "IGNORES"):
        assert [status(endpoints, path, key=key) for key in ("a", "a", "b")] == [200] * 3
    assert [variable for variable, _ in endpoints.applied] == ["HONOURS"] * 2 + ["IGNORES"] * 3


def test_what_cannot_be_applied_is_refused(endpoints: Endpoints) -> None:
    """A key for another body, a method that changes nothing, a path that is nobody's."""
    status(endpoints, "HONOURS", key="a")
    assert status(endpoints, "HONOURS", b"two", key="a") == 422
    assert status(endpoints, "HONOURS", method="GET") == 405
    assert status(endpoints, "NOBODY") == 404
    assert len(endpoints.applied) == 1


def test_the_server_answers_as_the_endpoints_do(endpoints: Endpoints) -> None:
    """On 127.0.0.1 and nowhere else, and not for longer than the run."""
    with serving(endpoints) as server:
        assert server.startswith("http://127.0.0.1:")
        request = urllib.request.Request(f"{server}/HONOURS", b"one", {"Idempotency-Key": "a"})
        for _ in range(2):
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert json.loads(answer.read()) == {"message": "done"}
        with pytest.raises(urllib.error.HTTPError, match="405"):
            urllib.request.urlopen(f"{server}/HONOURS", timeout=5)
    assert endpoints.applied == [("HONOURS", b"one")]
    with pytest.raises(urllib.error.URLError), contextlib.closing(urllib.request.urlopen(request, timeout=5)):
        pass


def test_the_function_says_which_endpoints_it_has(tmp_path: Path) -> None:
    """By the variable that is to hold the URL."""
    metadata = (
        "    Metadata: {harness: {endpoints: {CHARGE: {idempotency_key: honoured}, TELL: {idempotency_key: ignored}}}}"
    )
    stack = read(write(tmp_path, after("  Handle:", metadata)), "run")
    assert stack.endpoints == (Endpoint("CHARGE", True), Endpoint("TELL", False))


def test_what_functions_cannot_reach_is_refused(tmp_path: Path) -> None:
    """On AWS, and on a LocalStack that `up --runtime host` did not start; the embedded platform needs no server."""
    metadata = "    Metadata: {harness: {endpoints: {CHARGE: {idempotency_key: honoured}}}}"
    stack = read(write(tmp_path, after("  Handle:", metadata)), "run")
    for name in PLATFORMS:
        target = Target(name, "http://127.0.0.1:1")
        reasons = [reason for reason in unsupported(stack, [], target) if reason.startswith("endpoints: ")]
        assert len(reasons) == (0 if name == "embedded" else 1)


@pytest.mark.parametrize(
    "given", ["[CHARGE]", "{CHARGE: honoured}", "{CHARGE: {idempotency_key: yes}}", "{CHARGE: {key: honoured}}"]
)
def test_an_endpoint_says_what_it_does_with_the_key(given: str, tmp_path: Path) -> None:
    """Anything else is refused with what is right."""
    metadata = f"    Metadata: {{harness: {{endpoints: {given}}}}}"
    with pytest.raises(UserError, match=r"\{idempotency_key: honoured\}"):
        read(write(tmp_path, after("  Handle:", metadata)), "run")
