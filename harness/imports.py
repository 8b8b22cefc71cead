"""Which files of a folder a handler imports, directly or not: read from the code, of which nothing is run.

Imports under `if TYPE_CHECKING:` do not count. A file that computes the name of a module may import anything, and so
may a handler that imports this file. The standard library's modulefinder sees neither of the two.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BY_ANY_NAME = {"__import__", "import_module", "run_module", "run_path", "spec_from_file_location", "walk_packages"}


@dataclass(frozen=True, slots=True)
class Imports:
    """`files` by their names in the folder; `outside`: the top-level names of what is not in it.

    unreadable: a file that may import anything, or that this Python cannot parse; the handler may then import more.
    """

    files: frozenset[str]
    outside: frozenset[str]
    unreadable: str | None = None


def imports_of(root: Path, handler: str) -> Imports:
    """handler: `module.function`, the module with dots or slashes. A missing module imports nothing."""
    files: dict[str, None] = {}
    outside: set[str] = set()
    unreadable: str | None = None
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
                names = _read(file, _package_of(root, file))
                waiting += names or ()
                unreadable = path if names is None else unreadable
    return Imports(frozenset(files), frozenset(outside), unreadable)


def syntax_error(root: Path, handler: str) -> SyntaxError | None:
    """The first in what the handler imports; its file is named as it is under the root."""
    for path in sorted(imports_of(root, handler).files):
        try:
            ast.parse((root / path).read_bytes(), str(root / path))
        except SyntaxError as error:
            return error
    return None


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


def _read(file: Path, package: list[str]) -> list[str] | None:
    """The names of modules that it imports, and of what may be one; None where only running it would tell."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return None
    names: list[str] = []
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*around, *([node.module] if node.module else [])])
            names += [origin] if origin else []
            names += [f"{origin}.{alias.name}".lstrip(".") for alias in node.names if alias.name != "*"]
        elif (isinstance(node, ast.Name) and node.id in _BY_ANY_NAME) or (
            isinstance(node, ast.Attribute) and node.attr in _BY_ANY_NAME
        ):
            return None
    return names


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All but what only a type checker reads."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield from _nodes(other)
        else:
            yield from _nodes(child)
