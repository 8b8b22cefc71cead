"""The zip that is deployed: the function's own folder, and the agent that wraps its handler."""

from __future__ import annotations

import compileall
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.cache import cache_folder
from harness.errors import Problem, UserError
from harness.requirements import THIS_PYTHON, installed
from harness.runtimes.lock import alone

# What the agent needs of the harness, and all of it: folders whole, single files by name.
AGENT_FOLDERS = ("agent", "faults")
AGENT_FILES = ("__init__.py", "action.py", "history.py", "nemesis.py", "point.py", "schedule.py", "tickets.py")

# The earliest time that a zip can hold; a file that everybody may read, made on Unix.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644
_UNIX = 3
_LEVEL = 6
_SILENT = 2  # a file that is no Python is the function's own affair
_SCRATCH = ".new-"
_HARNESS = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Package:
    """`files` are the names in the zip and their sizes in bytes, unpacked."""

    path: Path
    sha256: str
    files: dict[str, int]


def build(root: Path, out: Path, python: str = THIS_PYTHON) -> Package:
    """Writes the zip: the same files give the same bytes. Raises UserError when the folder cannot be packaged."""
    files = [*_required(root, python), *_files(root)]  # of two files of one name the function's own counts
    contents = {name: file.read_bytes() for name, file in sorted(dict(files).items()) if file != out}
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=_LEVEL)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    return Package(out, digest, {name: len(content) for name, content in contents.items()})


def unpacked(root: Path, python: str = THIS_PYTHON) -> Path:
    """The folder that the zip unpacks to, in the cache: the same one for the same files.

    python: the version that the function's requirements are installed for.
    """
    state = ((name, file.stat()) for name, file in _own_files(root))  # the agent stays while this process lives
    return _unpacked(root, python, tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in state))


@cache
def _unpacked(root: Path, python: str, state: tuple[tuple[str, int, int], ...]) -> Path:
    """`state` tells this process whether the folder has changed since it was packaged last."""
    packages = cache_folder() / "packages"
    with alone(packages.with_suffix(".lock"), lambda doing: None):
        packages.mkdir(exist_ok=True)
        for left in packages.glob(f"{_SCRATCH}*"):  # by one that was killed meanwhile: else it would hold the lock
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=packages) as scratch:
            package = build(root, Path(scratch) / "package.zip", python)
            code = packages / package.sha256
            if not code.is_dir():
                with zipfile.ZipFile(package.path) as archive:
                    archive.extractall(Path(scratch) / "code")
                package.path.replace(code.with_suffix(".zip"))
                (Path(scratch) / "code").rename(code)
            if not any(code.rglob("__pycache__")):  # else each cold start would compile what it imports
                compileall.compile_dir(code, quiet=_SILENT)
    return code


def zipped(root: Path, runtime: str = f"python{THIS_PYTHON}") -> Path:
    """The zip itself, in the cache too, for a runtime of Lambda."""
    return unpacked(root, runtime.removeprefix("python")).with_suffix(".zip")


def _required(root: Path, python: str) -> list[tuple[str, Path]]:
    folder = installed(root, python)
    own = [(file.relative_to(folder), file) for file in folder.rglob("*") if file.is_file()] if folder else []
    return [(path.as_posix(), file) for path, file in own if not _is_left_out(path)]


def _files(root: Path) -> list[tuple[str, Path]]:
    """Names in the zip, in order, and the files that they are read from."""
    return sorted([*_own_files(root), *((f"harness/{path.as_posix()}", _HARNESS / path) for path in _agent())])


def _own_files(root: Path) -> list[tuple[str, Path]]:
    if not root.is_dir():
        raise UserError([Problem("is not a folder", file=str(root))])
    if (root / "harness").exists():
        raise UserError([Problem("its name is taken: the agent is packaged under it", file=str(root / "harness"))])
    own = [(file.relative_to(root), file) for file in root.rglob("*") if file.is_file()]
    return sorted((path.as_posix(), file) for path, file in own if not _is_left_out(path))


def _agent() -> Iterator[Path]:
    yield from map(Path, AGENT_FILES)
    for folder in AGENT_FOLDERS:
        yield from (file.relative_to(_HARNESS) for file in (_HARNESS / folder).rglob("*.py"))


def _is_left_out(path: Path) -> bool:
    """The template, hidden files and what Python compiled are no part of the code."""
    return (
        path == Path("template.yaml")
        or path.suffix == ".pyc"
        or any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    )
