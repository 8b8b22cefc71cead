"""An engine, the stand-in image and Docker Compose for all the tests of this folder; where they can't be had, why."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType

import docker
import pytest
from command import Harness
from engine import Missing, answers, own_engine, require_compose, require_programs
from image.parts import Parts, parts
from image.stand_in import stand_in

from harness.errors import UserError
from harness.localstack import compose
from harness.localstack.compose import compose_command
from harness.localstack.install import Installation, install


def end(number: int, frame: FrameType | None) -> None:
    """A session that is told to end takes down what it started, undisturbed by being told again."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, end)


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine that answers, and a Compose."""
    with pytest.MonkeyPatch.context() as changes:
        try:
            require_compose()
            if answers():
                if compose.find_container():
                    pytest.skip(f"a container {compose.CONTAINER} is here already: `python -m harness down` ends it")
                yield
                return
            with own_engine() as place:
                changes.setenv("DOCKER_HOST", f"unix://{place}")
                changes.setenv("DOCKER_SOCKET", str(place))
                yield
        except Missing as reason:
            pytest.skip(str(reason))


@pytest.fixture(scope="session")
def installation() -> Installation:
    """LocalStack as the host runtime has it."""
    try:
        return install(print)
    except UserError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def debian(installation: Installation) -> Parts:
    try:
        return parts(installation, print)
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def image(engine: None, debian: Parts, installation: Installation) -> Iterator[str]:
    """The stand-in's name; it is what `up` starts in these tests."""
    try:
        name = stand_in(debian, installation)
    except Missing as reason:
        pytest.skip(str(reason))
    with pytest.MonkeyPatch.context() as changes:
        changes.setenv("LOCALSTACK_IMAGE", name)
        yield name


@pytest.fixture(params=["docker compose", "docker-compose"])
def spelling(
    request: pytest.FixtureRequest, engine: None, debian: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    """Each way to call Compose, where the machine or its Debian has both."""
    wanted: str = request.param
    try:
        require_programs({wanted.split()[0]: "docker.io" if " " in wanted else wanted})
    except Missing as reason:
        pytest.skip(str(reason))
    if " ".join(compose_command()) != wanted and wanted == "docker compose":
        (tmp_path / "cli-plugins").symlink_to(debian.plugins)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    if " ".join(compose_command()) != wanted:
        pytest.skip("`docker compose` is installed, and comes first")
    return wanted


@pytest.fixture(scope="session")
def harness(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Harness:
    return Harness(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def client(engine: None) -> Iterator[docker.DockerClient]:
    with closing(docker.from_env()) as found:
        yield found


@pytest.fixture
def nothing_left(harness: Harness, client: docker.DockerClient) -> Iterator[None]:
    """After the test the engine has the containers, networks and volumes that it had before, without any help."""
    before = everything(client)
    yield
    left = everything(client) - before
    harness("down")
    assert left == set()


@pytest.fixture(scope="module")
def up(image: str, harness: Harness) -> Iterator[int]:
    """The port of a LocalStack that is up for the tests of a file."""
    port = free_port()
    try:
        done = harness("up", "--port", port)
        assert done.returncode == 0, done.stderr
        yield port
    finally:
        harness("down")


@pytest.fixture
def port() -> int:
    return free_port()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def everything(client: docker.DockerClient) -> set[str]:
    """The containers, networks and volumes of the engine."""
    found = [*client.containers.list(all=True), *client.networks.list(), *client.volumes.list()]
    return {f"{type(one).__name__} {one.id}" for one in found}
