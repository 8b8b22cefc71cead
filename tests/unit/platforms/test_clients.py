"""The harness's own calls to an emulator, which may be frozen."""

from __future__ import annotations

import socket
import threading

import pytest
from botocore.exceptions import ReadTimeoutError

from harness.platforms import clients


def test_a_call_that_gets_no_answer_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What accepts and never answers is waited for once: not five times, as the SDK would."""
    monkeypatch.setattr(clients, "ANSWER_SECONDS", 0.2)
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                calls.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        client = clients.harness_client("sqs", endpoint=f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(ReadTimeoutError):
            client.list_queues()
    assert len(calls) == 1
