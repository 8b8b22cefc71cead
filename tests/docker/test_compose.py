"""`up`, `status` and `down` with Docker Compose, for real: our own Compose file and a LocalStack in a container."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import docker
import pytest
from command import Harness

from harness.cli.localstack import NOTHING
from harness.localstack.compose import CONTAINER, Compose
from harness.reports import ExitCode

WANTS_A_TOKEN = 'ENTRYPOINT ["sh", "-c", "echo License activation failed >&2; exit 55"]'
ENDED = f"ended compose: container {CONTAINER}\n"
LISTENING, LOOPBACK = "0A", "0100007F"  # as /proc/net/tcp writes them

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_up_status_and_down(
    image: str, spelling: str, client: docker.DockerClient, harness: Harness, port: int
) -> None:
    """A healthy LocalStack on 127.0.0.1 and nowhere else; a second `up` starts nothing; `down` ends it."""
    up = harness("up", "--port", port)
    assert up.returncode == 0, up.stderr
    started_there = f"compose: LocalStack 4.14.0 at http://127.0.0.1:{port}, container {CONTAINER}, services "
    assert up.stdout.startswith(started_there)
    container = client.containers.get(CONTAINER)
    assert container.image.tags == [image]
    assert container.health == "healthy"
    assert listening(port) == {LOOPBACK}
    assert harness("status").stdout == up.stdout
    assert harness("up", "--port", port).stdout == up.stdout
    assert started(client) == container.attrs["State"]["StartedAt"]
    assert harness("down").stdout == ENDED
    assert harness("status").stdout == f"{NOTHING}\n"


@pytest.mark.parametrize(
    "end, spelling",
    [(Compose.kill, "docker-compose"), (Compose.pause, "docker compose")],
    ids=["killed", "paused"],
    indirect=["spelling"],
)
def test_down_ends_what_does_not_answer(
    end: Callable[[Compose, int], None], image: str, spelling: str, harness: Harness, port: int
) -> None:
    """A container that was killed or paused is told as one that does not answer, and `down` removes it."""
    assert harness("up", "--port", port).returncode == 0
    end(Compose(), port)
    assert f"container {CONTAINER} does not answer" in harness("status").stdout
    assert harness("down").stdout == ENDED


def test_a_taken_port_is_said(image: str, spelling: str, harness: Harness) -> None:
    """With who holds it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        refused = harness("up", "--port", holder.getsockname()[1])
    assert_said(refused, r"the port is taken by process \d+ \(.*\): stop that, or choose another with --port")


def test_a_missing_image_is_said(spelling: str, harness: Harness, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its registry denies it or cannot be reached."""
    monkeypatch.setenv("LOCALSTACK_IMAGE", "registry.invalid/harness:none")
    refused = harness("up", "--port", port)
    assert_said(
        refused, r"the (registry of|image) registry\.invalid/harness:none (cannot be reached|does not exist): .*"
    )


def test_an_engine_that_does_not_run_is_said(
    spelling: str, harness: Harness, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the way that needs none; nothing runs there, and nothing has to be ended."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert_said(harness("up", "--port", port), r"no Docker engine is running: start Docker, or use .*--runtime host.*")
    assert harness("status").stdout == harness("down").stdout == f"{NOTHING}\n"


def test_an_image_that_wants_a_token_is_explained(
    image: str, client: docker.DockerClient, harness: Harness, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that ends with exit code 55, as LocalStack's images after 4.14 do without a token."""
    name = f"{image}-wants-a-token"
    draft = client.containers.create(image)
    draft.commit(*name.split(":"), changes=WANTS_A_TOKEN)
    draft.remove()
    monkeypatch.setenv("LOCALSTACK_IMAGE", name)
    refused = harness("up", "--port", port)
    assert refused.returncode == ExitCode.USER_MISTAKE
    told = refused.stderr.splitlines()[-2:]
    assert re.fullmatch(r".*exit code 55: .* set LOCALSTACK_AUTH_TOKEN\. The last lines of its log:", told[0])
    assert told[1] == "  License activation failed"
    assert f"container {CONTAINER} does not answer" in harness("status").stdout
    assert harness("down").stdout == ENDED
    client.images.remove(name)


def assert_said(refused: subprocess.CompletedProcess[str], sentence: str) -> None:
    """That sentence, in one line, is the last word."""
    assert refused.returncode == ExitCode.USER_MISTAKE
    assert refused.stdout == ""
    assert re.fullmatch(sentence, refused.stderr.splitlines()[-1].strip()), refused.stderr


def started(client: docker.DockerClient) -> str:
    since: str = client.containers.get(CONTAINER).attrs["State"]["StartedAt"]
    return since


def listening(port: int) -> set[str]:
    """The addresses on which somebody listens to the port."""
    tables = [Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    sockets = [(*line.split()[1].split(":"), line.split()[3]) for table in tables for line in table]
    return {address for address, number, state in sockets if state == LISTENING and int(number, 16) == port}
