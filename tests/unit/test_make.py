"""What make does beside `run` and `test`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the Makefile, what it makes something of, and an environment that is ready."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ready").touch()
    for name in ("bench", "harness", "scenarios", "tests", "tools"):
        (tmp_path / name).mkdir()
    shutil.copytree(ROOT / "lambda", tmp_path / "lambda")
    return tmp_path


def make(folder: Path, *words: str) -> str:
    """With the programs of these tests in place of those that `setup` installs."""
    command = ["make", f"BIN={Path(sys.executable).parent}", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_build_packages_the_shipped_function_and_clean_removes_it(folder: Path) -> None:
    """The zip's size and content are shown; the sources and the results of runs stay."""
    (folder / "runs").mkdir()
    (folder / "lambda" / "ledger" / "__pycache__").mkdir(exist_ok=True)
    said = make(folder, "build")
    assert "dist/Function.zip: " in said
    assert "idempotent.py" in said
    before = {file.name for file in folder.iterdir()}
    make(folder, "clean")
    assert before - {file.name for file in folder.iterdir()} == {"dist"}
    assert not list(folder.rglob("__pycache__"))


def test_release_cleans_builds_tests_and_makes_a_wheel_in_this_order(folder: Path) -> None:
    """As its steps say that would be done."""
    said = make(folder, "--dry-run", "release")
    steps = ("rm -rf dist", "harness build", "ruff check", "-m pytest", "wheel --no-deps")
    places = [said.index(step) for step in steps]
    assert places == sorted(places)
