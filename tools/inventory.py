"""Lists every file of the package with the first paragraph of its docstring: the body of docs/whats-here.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

PACKAGE = Path("harness")
# The packages in the order of a run; the top of the package comes first, and what is not named here last.
ORDER = (
    *("scenario", "pipeline", "workload", "faults", "agent", "delivery", "platforms", "platforms/embedded"),
    *("platforms/embedded/services", "platforms/deployed", "localstack", "localstack/executor", "checkers", "reports"),
    *("matrix", "workflow", "cli"),
)
# What is no Python, and so has no docstring.
OTHER_FILES = {
    "schema.json": "The schema itself, which `python -m tools.docs` derives from the models.",
    "py.typed": "Says to type checkers that the package has types.",
    "__init__.pyi": "What `__init__.py` imports on demand, for type checkers.",
    "constraints.txt": "The exact versions of what LocalStack without Docker installs.",
    "entry_points.txt": "How LocalStack finds the plugin.",
    "loopback.cjs": "Keeps a Node server on 127.0.0.1.",
    "page.html.jinja": "The page of the matrix.",
    "app.py.txt": "The handler that `harness init` writes.",
    "scenario.yaml.jinja": "The scenario that `harness init` writes.",
    "template.yaml": "The template that `harness init` writes.",
}


def leading_comment(file: Path) -> str:
    """The first sentence of what a file in JavaScript or TypeScript says of itself."""
    lines = [line for line in file.read_text("utf-8").splitlines() if line != "'use strict';"]
    comment = takewhile(lambda line: line.startswith("// "), lines)
    sentence = " ".join(line.removeprefix("// ") for line in comment).partition(". ")[0]
    return f"{sentence.removesuffix('.').removesuffix(':')}."


def files() -> str:
    """A section for each package: what it is, and its files. Raises KeyError for a file of which nothing is said."""
    return "\n\n".join(_section(folder) for folder in sorted(_packages(), key=_position))


def _packages() -> set[Path]:
    return {file.parent for file in PACKAGE.rglob("__init__.py")}


def _position(folder: Path) -> tuple[int, str]:
    name = folder.relative_to(PACKAGE).as_posix()
    if name == ".":
        return -1, name
    return ORDER.index(name) if name in ORDER else len(ORDER), name


def _section(folder: Path) -> str:
    init = folder / "__init__.py"
    lines = [f"| `{file.relative_to(folder)}` | {_line(file)} |" for file in _files(folder)]
    if names := _public_names(init):
        lines.insert(0, f"| `{init.name}` | Defines {', '.join(f'`{name}`' for name in names)}. |")
    return "\n".join([f"## {folder.as_posix()}/\n\n{_line(init)}\n\n| file | what it is |\n| --- | --- |", *lines])


def _public_names(file: Path) -> list[str]:
    """What a module defines at its top level, in its order."""
    names: list[str] = []
    for statement in ast.parse(file.read_text("utf-8")).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names += [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def _files(folder: Path) -> Iterator[Path]:
    """Those of the folder and of folders below it that are no packages, without its `__init__.py`."""
    for file in sorted(folder.iterdir(), key=lambda each: (each.is_dir(), each.name)):
        if file.is_dir():
            if file.name != "__pycache__" and not (file / "__init__.py").exists():
                yield from (each for each in sorted(file.rglob("*")) if each.is_file())
        elif file.name != "__init__.py" and file.suffix != ".pyc":
            yield file


def _line(file: Path) -> str:
    if file.suffix == ".cjs" and file.name not in OTHER_FILES:
        return leading_comment(file)
    if file.suffix != ".py":
        return OTHER_FILES[file.name]
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    if not docstring:
        raise KeyError(f"{file} has no docstring")
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")
