"""What tests of whole runs share: a cache of their own for unpacked handlers, and the command in an empty folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, document, yaml_file

from harness.cli import main
from harness.runner import collect_seldom

CRASH = {"crash": {"call": "effect", "when": "after", "nth": 2}}


@pytest.fixture(scope="session")
def package_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def _cached_apart(package_cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(package_cache))
        yield


@pytest.fixture(scope="session")
def processes() -> Iterator[Executor]:
    """One for each core: a run needs a process to itself."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=collect_seldom) as pool:
        yield pool


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`harness(*arguments)` runs the command in an empty folder, on the embedded platform whatever else answers."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        platform = ("--platform", "embedded") if arguments[0] == "run" else ()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in (*arguments, *platform)], prog_name="harness")
        code = stopped.value.code
        return Said(code if isinstance(code, int) else 1, *capsys.readouterr())

    return call


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Valid as it is; two handlers."""
    values = document(matrix={"pipeline.handler": [str(LEDGER / "naive.py"), str(LEDGER / "idempotent.py")]})
    return yaml_file(tmp_path / "small.yaml", values)


@pytest.fixture
def crashing(tmp_path: Path) -> Path:
    """A crash, and the expectation that all is valid: wrong for the naive handler."""
    values = document(faults=[CRASH], matrix={"pipeline.handler": [str(LEDGER / f) for f in ("naive.py", "poison.py")]})
    return yaml_file(tmp_path / "crashing.yaml", values)
