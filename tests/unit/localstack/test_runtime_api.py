"""Facts about the Lambda Runtime API that the host runtime serves to a function's process."""

from __future__ import annotations

import json
from concurrent.futures import Future
from http.client import HTTPConnection

import pytest

from harness.localstack.executor.function_process import (
    VERSION,
    InitFailed,
    Invocation,
    InvocationReply,
    RuntimeApi,
    exit_reason,
)

INVOCATION = Invocation("r-1", "arn:aws:lambda:us-east-1:000000000000:function:f", "Root=1", 1, b'{"n": 1}')


def test_the_runtime_api_hands_over_an_invocation_and_takes_its_reply() -> None:
    """Asking for work says that the process is ready; the response ends the invocation, once."""
    api = RuntimeApi()
    reply = api.invoke(INVOCATION)
    status, body, headers = ask(api, "GET", "invocation/next")
    assert (status, body, headers["Lambda-Runtime-Aws-Request-Id"]) == (200, b'{"n": 1}', "r-1")
    assert api.ready.done()
    assert ask(api, "POST", "invocation/r-2/response", b"2")[0] == 400
    assert ask(api, "POST", "invocation/r-1/response", b"1")[0] == 202
    assert reply.result(0) == InvocationReply(b"1", is_error=False)
    assert ask(api, "POST", "invocation/r-1/error", b"{}")[0] == 400
    api.process_ended("over")


@pytest.mark.parametrize("status, reason", [(-9, "signal: killed"), (3, "exit status 3"), (0, "without providing")])
def test_a_process_that_ends_fails_what_waits_for_it(status: int, reason: str) -> None:
    """Both the start and the running invocation learn it at once, as Runtime.ExitError."""
    api = RuntimeApi()
    reply: Future[InvocationReply] = api.invoke(INVOCATION)
    api.process_ended(exit_reason(status))
    told = json.loads(reply.result(0).payload)
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].startswith("RequestId: r-1 Error: Runtime exited")
    assert reason in told["errorMessage"]
    with pytest.raises(InitFailed):
        api.ready.result(0)


def ask(api: RuntimeApi, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, dict[str, str]]:
    connection = HTTPConnection(api.address, timeout=5)
    connection.request(method, f"{VERSION}/{path}", body)
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found
