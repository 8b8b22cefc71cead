"""What a function is made of: where its code lies, its layers, its sources' imports, and its requirements.txt.

Sources are read without running them; it also says whether this Python can read them. Requirements are installed once,
and of them the distributions that are imported are packaged. Code that is not one folder is put together in the cache.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.documents import Document
from harness.errors import Problem, UserError
from harness.project import cache_folder

if TYPE_CHECKING:
    from importlib.metadata import Distribution

# What installs and reads distributions is imported where it is used: linting parses sources, and no more.
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_BY_ANY_NAME = {"__import__", "import_module", "run_module", "run_path", "spec_from_file_location", "walk_packages"}


@dataclass(frozen=True, slots=True)
class Imports:
    """`files` by their names in the folder; `outside`: the top-level names of what is not in it.

    unreadable: a file that may import anything, or that this Python cannot parse; the handler may then import more.
    syntax_error: the first, by the files' names.
    """

    files: frozenset[str]
    outside: frozenset[str]
    unreadable: str | None = None
    syntax_error: SyntaxError | None = None


def imports_of(root: Path, handler: str, python: str = THIS_PYTHON) -> Imports:
    """handler: `module.function`, the module with dots or slashes. A missing module imports nothing.

    python: the version whose syntax the sources may have, as far as this Python knows it.
    """
    files: dict[str, None] = {}
    outside: set[str] = set()
    unreadable: str | None = None
    errors: dict[str, SyntaxError] = {}
    waiting = [handler.rpartition(".")[0].replace("/", ".")]
    asked: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in asked:
            continue
        asked.add(name)
        module_files = list(_files_of(root, name))
        if not module_files and not (root / name.partition(".")[0]).is_dir():
            outside.add(name.partition(".")[0])
        for file in module_files:
            path = file.relative_to(root).as_posix()
            if path not in files:
                files[path] = None
                try:
                    names = _names(_parsed(file, python), _package_of(root, file))
                except SyntaxError as error:
                    errors[path], names = error, None
                waiting += names or ()
                unreadable = path if names is None else unreadable
    return Imports(frozenset(files), frozenset(outside), unreadable, errors[min(errors)] if errors else None)


def is_newer(runtime: str) -> bool:
    """Whether the Python of a function is newer than this one, and may know more syntax."""
    return _version(runtime.removeprefix("python")) > _version(THIS_PYTHON)


def _version(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def syntax_problem(root: Path, handler: str, runtime: str = "") -> Problem | None:
    """The first syntax error in what the handler imports, as the Python of the runtime reads it; this one, if it is
    older, or where the runtime is no Python.
    """
    python = runtime.removeprefix("python") if runtime.startswith("python") and not is_newer(runtime) else THIS_PYTHON
    error = imports_of(root, handler, python).syntax_error
    if error is None:
        return None
    return _as_problem(error.msg, python, str(error.filename), error.lineno, error.offset)


# Prints the first error of the files that are named.
_COMPILE = """
import json, sys
for file in sys.argv[1:]:
    try:
        compile(open(file, "rb").read(), file, "exec", dont_inherit=True)
    except SyntaxError as error:
        print(json.dumps([error.msg, error.filename, error.lineno, error.offset]))
        break
    except ValueError as error:
        print(json.dumps([str(error), file, 1, 0]))
        break
"""
_COMPILE_SECONDS = 20


def compiled_by(runtime: str, root: Path, handler: str) -> list[Problem] | None:
    """The first error of what the handler imports, by the runtime's own Python: at most one.

    None where it is this Python, or is not on PATH; pyenv's programs take the version from PYENV_VERSION.
    """
    import shutil
    import subprocess

    python = runtime.removeprefix("python")
    program = shutil.which(f"python{python}") if python != THIS_PYTHON else None
    if program is None:
        return None
    files = [str(root / file) for file in sorted(imports_of(root, handler).files) if file.endswith(".py")]
    command = [program, "-I", "-W", "ignore", "-c", _COMPILE, *files]
    environment = {**os.environ, "PYENV_VERSION": python}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_COMPILE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    return [_as_problem(message, python, *place) for message, *place in map(json.loads, done.stdout.splitlines())]


def _as_problem(message: str, python: str, file: str, line: int | None, column: int | None) -> Problem:
    told = f"SyntaxError: {message} (as Python {python} reads it)"
    return Problem(told, file=file, line=line or 0, column=column or 0)


def _files_of(root: Path, name: str) -> Iterator[Path]:
    """A module's file, and those of the packages that it is in."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        module = root.joinpath(*parts[:length])
        here = module / "__init__.py" if module.is_dir() else module.with_name(f"{module.name}.py")
        if here.is_file():
            yield here


def _package_of(root: Path, file: Path) -> list[str]:
    return list(file.parent.relative_to(root).parts)


def _parsed(file: Path, python: str) -> ast.Module:
    """Raises SyntaxError, also for a file that is no text, and for what is wrong beyond the grammar."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(file.read_bytes(), str(file), feature_version=_version(python)[1])
            compile(tree, str(file), "exec", dont_inherit=True)
            return tree
    except ValueError as error:  # of null bytes, before Python 3.12
        raise SyntaxError(str(error), (str(file), 1, 0, None)) from None


def _names(tree: ast.Module, package: list[str]) -> list[str] | None:
    """The names that may be modules which it imports; None where only running it would tell."""
    names: list[str] = []
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*around, *([node.module] if node.module else [])])
            names += [origin] if origin else []
            names += [f"{origin}.{alias.name}".lstrip(".") for alias in node.names if alias.name != "*"]
        elif _name(node) in _BY_ANY_NAME:
            return None
    return names


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes outside `if TYPE_CHECKING`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _name(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _nodes(other)
        else:
            yield from _nodes(child)


def _name(node: ast.AST) -> str | None:
    """The last part of a dotted name; None of anything else."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


AT_RUNTIME = frozenset({"boto3", "botocore"})
_AFTER_REQUIREMENT = re.compile(r"\s+#|\s+--|\s*\\$")  # a comment, an option such as --hash, a line that goes on


def needed(folder: Path, imported: Set[str] | None, requirements: str) -> list[Path]:
    """The files of the distributions that are needed, in order. imported: top-level names; None where any may be.

    requirements: the text of the requirements.txt that they were installed for.
    """
    from importlib.metadata import distributions

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    installed: dict[str, Distribution] = {
        canonicalize_name(each.name): each for each in distributions(path=[str(folder)])
    }
    at_runtime = AT_RUNTIME - set(_with_version(requirements))
    waiting = [name for name, each in installed.items() if imported is None or imported & _modules(each)]
    kept: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in kept and name not in at_runtime and name in installed:
            kept[name] = None
            # What a marker excludes is not installed: pip has read it, for the function's own Python.
            waiting += [canonicalize_name(Requirement(line).name) for line in installed[name].requires or ()]
    return sorted(folder / file for name in kept for file in _files(installed[name]) if (folder / file).is_file())


def _with_version(requirements: str) -> Iterator[str]:
    """The distributions that a requirements.txt names together with a version, or with where they are."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in requirements.splitlines():
        try:
            requirement = Requirement(_AFTER_REQUIREMENT.split(line)[0])
        except InvalidRequirement:  # an option of pip, a file, a comment
            continue
        if requirement.specifier or requirement.url:
            yield canonicalize_name(requirement.name)


def _modules(distribution: Distribution) -> set[str]:
    return {Path(file).parts[0].partition(".")[0] for file in _files(distribution)}


def _files(distribution: Distribution) -> list[str]:
    """Files of the distribution that can be imported: not the programs in bin/ or beside the folder."""
    return [str(file) for file in distribution.files or () if file.parts[0] not in ("..", "bin")]


REQUIREMENTS = "requirements.txt"
MAX_SECONDS = 600
_ERROR_LINES = 5
_SCRATCH = ".new-"


def installed(root: Path, python: str = THIS_PYTHON) -> Path | None:
    """The folder with what a function's folder requires, for a version of Python; None where it requires nothing.

    Raises UserError with pip's own words when they cannot be installed.
    """
    import shutil
    import tempfile

    from filelock import FileLock

    file = root / REQUIREMENTS
    if not file.is_file():
        return None
    digest = hashlib.sha256(f"{python}\n{root.absolute()}\n".encode() if _is_local(file) else f"{python}\n".encode())
    digest.update(file.read_bytes())
    folder = cache_folder() / "requirements" / digest.hexdigest()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent.with_suffix(".lock")):
        if not folder.is_dir():
            for leftover in folder.parent.glob(f"{_SCRATCH}*"):  # of a process that was killed
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder.parent) as scratch:
                target = Path(scratch, "packages")
                target.mkdir()
                _install(file, target, python)
                target.rename(folder)
    return folder


def _is_local(file: Path) -> bool:
    """Whether it names files by relative paths, which are other files in another folder."""
    return any(line.lstrip().startswith((".", "-", "/")) for line in file.read_text("utf-8").splitlines())


def _install(file: Path, target: Path, python: str) -> None:
    import subprocess

    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--target", str(target), "--requirement", str(file.absolute())]
    if python != THIS_PYTHON:
        command += ["--python-version", python, "--only-binary", ":all:"]
    try:
        done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, timeout=MAX_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UserError([Problem(f"pip has not installed it within {MAX_SECONDS} s", file=str(file))]) from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
        words = " ".join(line.removeprefix("ERROR: ") for line in errors[:_ERROR_LINES])
        raise UserError([Problem(f"pip cannot install it for Python {python}: {words}", file=str(file))])


LAYER = "AWS::Lambda::LayerVersion"
INLINE = "index"  # the module that Lambda makes of inline code
_ASSET = "aws:asset:path"


def folder_of(document: Document, logical_id: str, beside: Path, runtime: str) -> Path:
    """Where the code of a function is. beside: the template's folder, where code that only AWS has is looked for."""
    code = document.at(("Resources", logical_id, "Properties", "Code"))
    if isinstance(code, str):
        return beside / code
    if is_inline(code):
        return _inline(code["ZipFile"], ".js" if runtime.startswith("nodejs") else ".py")
    asset = document.at(("Resources", logical_id, "Metadata", _ASSET))
    return beside / asset if isinstance(asset, str) and (beside / asset).is_dir() else beside


def is_inline(code: Any) -> bool:
    return isinstance(code, dict) and isinstance(code.get("ZipFile"), str)


def _inline(text: str, ending: str) -> Path:
    import tempfile

    folder = cache_folder() / "inline" / hashlib.sha256(text.encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{INLINE}{ending}"
    if not file.is_file():
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as scratch:
            scratch.write(text)
        Path(scratch.name).replace(file)
    return file.parent


def layers_of(document: Document, logical_id: str, beside: Path) -> tuple[list[Path], list[Any]]:
    """The folders of a function's layers that are here, and the layers of which only AWS has the content."""
    layers = document.at(("Resources", logical_id, "Properties", "Layers"))
    here: list[Path] = []
    elsewhere: list[Any] = []
    for layer in layers if isinstance(layers, list) else []:
        made = layer.get("Ref") if isinstance(layer, dict) else None
        content = document.at(("Resources", made, "Properties", "Content")) if isinstance(made, str) else None
        folder = beside / content if isinstance(content, str) else None
        if folder and folder.is_dir():
            here.append(folder)
        else:
            elsewhere.append(made or layer)
    return here, elsewhere


def with_layers(root: Path, layers: Sequence[Path]) -> Path:
    """A folder with the code and what its layers hold for Python; the function's own files come first."""
    if not layers:
        return root
    import shutil
    import tempfile

    from filelock import FileLock

    parts = [*(_in_layer(layer) for layer in reversed(layers)), root]
    digest = hashlib.sha256()
    for file in (file for part in parts for file in _every_file(part)):
        state = file.stat()
        digest.update(f"{file} {state.st_size} {state.st_mtime_ns}\n".encode())
    folders = cache_folder() / "layered"
    folder = folders / digest.hexdigest()
    folders.mkdir(parents=True, exist_ok=True)
    with FileLock(folders.with_suffix(".lock")):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folders) as scratch:
                together = Path(scratch) / "code"
                for part in parts:
                    shutil.copytree(part, together, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", ".venv"))
                needed = [part / REQUIREMENTS for part in parts if (part / REQUIREMENTS).is_file()]
                if needed:
                    (together / REQUIREMENTS).write_text("\n".join(file.read_text("utf-8") for file in needed), "utf-8")
                together.rename(folder)
    return folder


def _in_layer(layer: Path) -> Path:
    """What Python finds of a layer: its folder `python`, or all of it, which `sam build` then puts into one."""
    inner = layer / "python"
    libraries = sorted(inner.glob("lib/python3*/site-packages"))
    return libraries[0] if libraries else inner if inner.is_dir() else layer


def _every_file(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
