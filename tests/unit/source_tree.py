"""The project's files, and what its modules import."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def tracked() -> list[Path]:
    """Every file that git has or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in sorted(set(told.split("\0")) - {""}) if (ROOT / name).is_file()]


def sources(*folders: str) -> list[Path]:
    wanted = tuple(ROOT / folder for folder in folders)
    return [file for file in tracked() if file.suffix == ".py" and any(file.is_relative_to(each) for each in wanted)]


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def module_of(file: Path) -> str:
    """`agent.wire` for harness/agent/wire.py, `agent` for its folder."""
    parts = file.relative_to(ROOT / "harness").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(file: Path) -> Iterator[str]:
    """Full names of what a file imports anywhere in it: modules, or names in them."""
    package = ".".join(file.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(part for part in (package if node.level else "", node.module) if part)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_modules(file: Path) -> Iterator[str]:
    """Which modules of harness a file imports."""
    for name in imported(file):
        if name.startswith("harness."):
            inner = name.removeprefix("harness.")
            yield inner if inner in harness_modules() else inner.rpartition(".")[0]


@cache
def harness_modules() -> dict[str, Path]:
    return {module: file for file in sources("harness") if (module := module_of(file))}


def outer_packages(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(file)} - {"harness"}


def place(file: Path, line: int = 0) -> str:
    return f"{file.relative_to(ROOT)}{f':{line}' if line else ''}"
