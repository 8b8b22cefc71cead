"""The zip that is deployed: what the handler imports of the function's folder, and the agent that wraps the handler.

Files that are not Python may be read by name: they stay, unless all code in their folder is left out.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from filelock import FileLock

from harness.documents import TEMPLATES
from harness.errors import Problem, UserError
from harness.pipeline.dependencies import REQUIREMENTS, THIS_PYTHON, imports_of, installed, needed
from harness.pipeline.node import node_folders, sources
from harness.pipeline.stack import Function, is_node, is_python
from harness.project import cache_folder

# Everything that the agent needs of the harness: whole folders, and single files.
AGENT_FOLDERS = ("agent", "faults")
AGENT_FILES = ("__init__.py", "history.py", "lazy_table.py")

# The earliest time that a zip can hold; a file that everybody may read, or run if it is a program, made on Unix.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE, _PROGRAM_MODE = 0o100644, 0o100755
_UNIX = 3
_LEVEL = 6
_SILENT = 2  # a file that Python cannot compile is no problem until the function imports it
_SCRATCH = ".new-"
RUNS = "runs"  # where run folders go, unless --runs says otherwise
_HARNESS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Package:
    """`files`: names in the zip, and their sizes in bytes, unpacked. `left_out`: what the handler does not import."""

    path: Path
    sha256: str
    files: dict[str, int]
    left_out: tuple[str, ...]


def build(root: Path, out: Path, python: str = THIS_PYTHON, handler: str | None = None, agent: bool = True) -> Package:
    """Writes the zip: the same files give the same bytes. Raises UserError when the folder cannot be packaged.

    handler: `module.function`; files that it does not import are left out. agent: whether the agent is packaged too.
    """
    code, imports = dict(_files(root)), imports_of(root, handler) if handler else None
    if imports and imports.unreadable:
        imports = None
    left_out = _not_imported(list(code), imports.files) if imports else []
    required = _required(root, python, imports.outside if imports else None)
    kept = [(name, file) for name, file in code.items() if name not in left_out]
    every = [*required, *kept, *(_agent() if agent else ())]  # the function's own files replace others of the same name
    files = {name: file for name, file in sorted(dict(every).items()) if file != out}
    contents = {name: file.read_bytes() for name, file in files.items()}
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = (_PROGRAM_MODE if os.access(files[name], os.X_OK) else _MODE) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=_LEVEL)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    return Package(out, digest, {name: len(content) for name, content in contents.items()}, tuple(left_out))


def folders(function: Function) -> list[Path]:
    """Where a function's modules lie on this machine: its own folder, and the unpacked package if it requires any.

    Raises UserError when the folder cannot be packaged.
    """
    if is_node(function.runtime):
        return node_folders(function)
    root = function.root
    _files(root)
    handler = function.handler if function.has_agent else None
    required = [unpacked(root, handler=handler, agent=False)] if (root / REQUIREMENTS).is_file() else []
    return [root.resolve(), *required]


def contents(root: Path, node: bool = False) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file in the function's folder does: each name, with its time and its size.

    node: whether it is JavaScript, whose packages are in the folder too: they stay what they are.
    """
    files = [(str(file.relative_to(root)), file) for file in sources(root)] if node else _files(root)
    state = ((name, file.stat()) for name, file in files)
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in state)


def unpacked(root: Path, python: str = THIS_PYTHON, handler: str | None = None, agent: bool = True) -> Path:
    """The folder that the zip unpacks to, in the cache: the same one for the same files.

    python: the version that the function's requirements are installed for.
    """
    return _unpacked(root, python, handler, agent, contents(root))  # the agent changes for no process that lives


@cache
def _unpacked(
    root: Path, python: str, handler: str | None, agent: bool, state: tuple[tuple[str, int, int], ...]
) -> Path:
    """`state` tells this process whether the folder has changed since it was packaged last."""
    packages = cache_folder() / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    with FileLock(packages.with_suffix(".lock")):
        for leftover in packages.glob(f"{_SCRATCH}*"):  # of a process that was killed: a live one would hold the lock
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=packages) as scratch:
            package = build(root, Path(scratch) / "package.zip", python, handler, agent)
            code = packages / package.sha256
            if not code.is_dir():
                with zipfile.ZipFile(package.path) as archive:
                    archive.extractall(Path(scratch) / "code")
                package.path.replace(code.with_suffix(".zip"))
                (Path(scratch) / "code").rename(code)
            if not any(code.rglob("__pycache__")):  # else each cold start would compile what it imports
                compileall.compile_dir(code, quiet=_SILENT)
    return code


def zipped(root: Path, runtime: str, handler: str | None, agent: bool = True) -> Path:
    """The zip itself, in the cache too, for a runtime of Lambda; it is named after its SHA-256."""
    if not is_python(runtime):
        return unpacked(root, agent=agent).with_suffix(".zip")
    return unpacked(root, runtime.removeprefix("python"), handler, agent).with_suffix(".zip")


def _required(root: Path, python: str, imported: Set[str] | None) -> list[tuple[str, Path]]:
    folder = installed(root, python)
    if folder is None:
        return []
    files = needed(folder, imported, (root / REQUIREMENTS).read_text("utf-8"))
    paths = [(file.relative_to(folder), file) for file in files]
    return [(path.as_posix(), file) for path, file in paths if not _is_left_out(path)]


def _not_imported(names: Sequence[str], imported: Set[str]) -> list[str]:
    """Python files that are not imported, and the other files of folders without imported Python files."""
    code = [name for name in names if name.endswith(".py")]
    used, all_code = _folders(imported), _folders(code)
    return [
        name
        for name in names
        if (name not in imported if name.endswith(".py") else _folders([name]) & (all_code - used))
    ]


def _folders(names: Iterable[str]) -> set[str]:
    """The folders around these files, the root itself left out."""
    return {parent.as_posix() for name in names for parent in PurePosixPath(name).parents} - {"."}


def _files(root: Path) -> list[tuple[str, Path]]:
    """Names in the zip, in order, and the files that they are read from; the agent's are not among them."""
    if not root.is_dir():
        raise UserError([Problem("is not a folder", file=str(root))])
    if (root / "harness").exists():
        raise UserError([Problem("its name is taken: the agent is packaged under it", file=str(root / "harness"))])
    paths = [(path.relative_to(root), path) for path in root.rglob("*")]
    kept = [(name.as_posix(), path) for name, path in paths if not _is_left_out(name)]
    if outward := [path for _, path in kept if _leads_out(path, root)]:
        raise UserError(
            Problem(f"links to {path.resolve()}, out of the code folder {root}: put a copy there", file=str(path))
            for path in sorted(outward)
        )
    return sorted((name, file) for name, file in kept if file.is_file())


def _leads_out(path: Path, root: Path) -> bool:
    return path.is_symlink() and not path.resolve().is_relative_to(root.resolve())


def _agent() -> list[tuple[str, Path]]:
    folders = [file for folder in AGENT_FOLDERS for file in (_HARNESS / folder).rglob("*.py")]
    files = [*(_HARNESS / name for name in AGENT_FILES), *folders]
    return [(f"harness/{file.relative_to(_HARNESS).as_posix()}", file) for file in files]


def _is_left_out(path: Path) -> bool:
    """Templates, requirements.txt, run folders, hidden files and what Python compiled are not part of the code."""
    return (
        str(path) in (*TEMPLATES, REQUIREMENTS)
        or path.parts[0] == RUNS
        or path.suffix == ".pyc"
        or any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    )
