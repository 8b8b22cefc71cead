"""Kinds of fields: durations, seeds, files and handlers, and words that stand for a class."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from os.path import isdir, isfile  # false for a name that no file can have, where Path raises
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import closest, nearest, shown
from harness.lazy_table import located
from harness.models import Before
from harness.schemas import DURATION

if TYPE_CHECKING:
    from harness.checkers.base import Checker

_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600), "d": Fraction(86400)}
_DURATION = re.compile(str(DURATION["pattern"]))


def seconds(value: Any) -> Any:
    """`500ms` is 0.5 and `10m` is 600. Any other value is returned unchanged."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return value
    number = Fraction(match[1]) * _SECONDS[match[2]]
    return int(number) if number.denominator == 1 else float(number)


# Annotates a number of seconds that may also be written as a duration.
IN_SECONDS = Before(seconds, lambda number: {"anyOf": [number, DURATION]})

MAX_SEEDS = 10_000
MAX_SEED = 2**63 - 1
_RANGE = re.compile(r"^([0-9]+)\.\.([0-9]+)$")
SEEDS_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        {"type": "string", "pattern": _RANGE.pattern, "examples": ["0..49"]},
    ]
}


def parse_seeds(value: Any) -> tuple[int, ...]:
    """In the order given, each once. Raises ValueError."""
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if match:
        if max(len(match[1]), len(match[2])) > len(str(MAX_SEED)):
            raise ValueError(f"got {shown(value)}; expected seeds of at most {MAX_SEED}")
        low, high = int(match[1]), int(match[2])
        if high < low:
            raise ValueError(f"got {shown(value)}, which is empty: the first seed is above the last")
        if high - low >= MAX_SEEDS:
            raise ValueError(f"got {shown(value)}; expected at most {MAX_SEEDS} seeds")
        return tuple(range(low, high + 1))
    seeds = value if isinstance(value, list) else [value]
    if len(seeds) > MAX_SEEDS:
        raise ValueError(f"got {len(seeds)} seeds; expected at most {MAX_SEEDS}")
    if not seeds or not all(_is_seed(seed) for seed in seeds):
        raise ValueError(f"got {shown(value)}; expected a whole number from 0, a list of them, or a range like 0..49")
    return tuple(dict.fromkeys(seeds))


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEED


DEFAULT_FUNCTION = "handler"
_FUNCTION = re.compile(r"^(?P<file>.+):(?P<function>[A-Za-z_]\w*)$")


class Handler(NamedTuple):
    """The function in a file that Lambda calls. missing: why there is no such file; "" where there is one."""

    file: Path
    function: str = DEFAULT_FUNCTION
    missing: str = ""


HERE = (Path(),)  # the folders of a scenario that no file holds


def folders(scenario: Path | None) -> tuple[Path, ...]:
    """Where a scenario's paths and modules are looked for: in its file's folder, then in those above it.

    Without a file it is the current folder alone. Those inside the current folder are relative to it.
    """
    if scenario is None:
        return HERE
    here = Path.cwd()
    return tuple(each.relative_to(here) if each.is_relative_to(here) else each for each in scenario.absolute().parents)


def find_handler(text: str, folders: Sequence[Path]) -> Handler:
    """`path.py` or `path.py:function`."""
    match = _FUNCTION.fullmatch(text)
    name, function = (match["file"], match["function"]) if match else (text, DEFAULT_FUNCTION)
    try:
        return Handler(find(name, folders), function)
    except ValueError as error:
        return Handler(Path(name), function, str(error))


def find_folder(text: str, folders: Sequence[Path]) -> Path:
    """The first folder of that path. Raises ValueError when there is none."""
    found = next((folder / text for folder in folders if text and isdir(folder / text)), None)
    if found is None:
        raise ValueError(f"no folder '{text}'. {nearest(text, [name for each in folders for name in _names(each)])}")
    return found


def find(text: str, folders: Sequence[Path]) -> Path:
    """The first file of that path. Raises ValueError, which names the part of the path that does not exist."""
    file = next((file for folder in folders if isfile(file := folder / text)), None)
    if file:
        return file
    if not text:
        raise ValueError("'' is not a file")
    if folder := next((folder / text for folder in folders if isdir(folder / text)), None):
        raise ValueError(f"'{text}' is not a file but a folder. {nearest('', _names(folder))}")
    parts = Path(text).parts
    deepest = 0
    while deepest < len(parts) - 1 and any(isdir(folder.joinpath(*parts[: deepest + 1])) for folder in folders):
        deepest += 1
    for length in range(deepest, -1, -1):
        listings = [_names(folder.joinpath(*parts[:length])) for folder in folders]
        near = closest(parts[length], {name for names in listings for name in names})
        names = next((names for names in listings if names and near in (None, *names)), [])
        if names:
            where = f" in '{Path(*parts[:length])}'" if length else ""
            raise ValueError(f"no file '{text}': no '{parts[length]}'{where}. {nearest(parts[length], names)}")
    raise ValueError(f"no file '{text}'")


def _names(folder: Path) -> list[str]:
    if not isdir(folder):
        return []
    return [entry.name for entry in folder.iterdir() if not entry.name.startswith((".", "_"))]


PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
OWN_SCHEMA = {"type": "string", "pattern": PATTERN, "examples": ["my_module:MyClass"]}


_imported: dict[Path, ModuleType] = {}  # by the file: modules of one name beside several scenarios are several


def _module(name: str, folders: Sequence[Path]) -> ModuleType:
    """The module that lies in the first of the folders, or else the one that Python finds on its path."""
    place = Path(*name.split("."))
    for folder in folders:
        for file in (folder / place.with_suffix(".py"), folder / place / "__init__.py"):
            if isfile(file):
                key = file.resolve()
                if key not in _imported:
                    _imported[key] = _import_from(folder.resolve(), name)
                return _imported[key]
    return import_module(name)


def _import_from(folder: Path, name: str) -> ModuleType:
    """Imports it as if the folder were first on Python's path; what is called alike elsewhere stays what it is."""
    beside = {entry.stem for entry in folder.iterdir() if entry.is_dir() or entry.suffix == ".py"}
    elsewhere = {
        each: module
        for each, module in sys.modules.items()
        if each.partition(".")[0] in beside and not _lies_in(module, folder)
    }
    for each in elsewhere:
        del sys.modules[each]
    sys.path.insert(0, str(folder))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(folder))
        sys.path.append(str(folder))  # for what is imported later, and for processes that are started anew
        sys.modules.update(elsewhere)


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(folder)


def implementation(
    word: str, table: Mapping[str, type], noun: str, base: str = "builtins:object", folders: Sequence[Path] = HERE
) -> type:
    """The class behind a word of the table, or behind `module:Class`, which must be a subclass of `base`.

    Raises ValueError, naming the nearest word. noun: what the table holds, as in "a fault". base: as in a LazyTable.
    folders: those of the scenario, where the module may lie.
    """
    module_name, colon, attribute = word.partition(":")
    if not colon:
        if word not in table:
            raise ValueError(f"'{word}' is not {noun}. {nearest(word, table)}")
        return table[word]
    try:
        module = _module(module_name, folders)
    except Exception as error:  # a user's module may raise anything
        reason = f"module '{module_name}' cannot be imported: {type(error).__name__}: {error}"
        raise ValueError(f"'{word}' is not {noun}: {reason}") from error
    implementation_class = getattr(module, attribute, None)
    if implementation_class is None:
        names = [name for name in vars(module) if not name.startswith("_")]
        raise ValueError(f"'{word}' is not {noun}: '{module_name}' has no '{attribute}'. {nearest(attribute, names)}")
    if not isinstance(implementation_class, type):
        raise ValueError(f"'{word}' is not {noun}: it is not a class")
    if not issubclass(implementation_class, located(base)):
        raise ValueError(f"'{word}' is not {noun}: it is no subclass of {base.replace(':', '.')}")
    return implementation_class


def checker_class(word: str, folders: Sequence[Path]) -> type[Checker]:
    """The checker behind `module:Class`. Raises ValueError for anything else."""
    return implementation(word, {}, "a checker", "harness.checkers.base:Checker", folders)
