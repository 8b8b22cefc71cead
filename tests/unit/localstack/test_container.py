"""Facts about the container of `up` that need no Docker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.localstack import compose
from harness.localstack.compose import Container


@pytest.mark.parametrize("act", ["kill", "pause", "resume"])
def test_no_other_container_is_handled(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port has to be that of the container which `up` started."""
    monkeypatch.setattr(compose, "find_container", lambda: Container("running", 0, 4570))
    with pytest.raises(UserError, match=r"no container of `python -m harness up` is published on port 4566"):
        getattr(compose.Compose(), act)(4566)


def test_where_no_engine_answers_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To ask what runs is no reason to have Docker; to end or start something is."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert compose.find_container() is None
    with pytest.raises(UserError, match="no Docker engine is running"):
        compose.kill_container()


def test_only_who_needs_docker_imports_it() -> None:
    """Its client takes a tenth of a second to import, and a run on the embedded platform has no use for it."""
    imports = "import sys, harness.__main__, harness.cli, harness.cli.localstack; sys.exit('docker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", imports]).returncode == 0
