"""The user's project: its defaults, the table `[tool.harness]` of its pyproject.toml, and the cache folder.

pyproject.toml is looked for in the current folder and its parents, as ruff and pytest do. Options on the command line
win.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.errors import Problem, UserError, nearest

FILE = "pyproject.toml"
_TABLE = re.compile(r"^\s*\[\s*tool\s*\.\s*harness\s*\]", re.MULTILINE)

Check = Callable[[Any], bool]
# Each key, whether a value is right for it, and what is right in words.
KEYS: dict[str, tuple[Check, str]] = {
    "platform": (lambda value: value in ("embedded", "localstack"), "embedded or localstack"),
    "runs": (lambda value: isinstance(value, str) and bool(value), "a folder, as text"),
    "processes": (lambda value: type(value) is int and 1 <= value <= 64, "a whole number from 1 to 64"),
    "seeds": (lambda value: isinstance(value, str | int) and not isinstance(value, bool), 'a number, or "0..49"'),
}


def defaults(start: Path) -> dict[str, Any]:
    """The table's keys and values; none where there is no table. `runs` is relative to the file.

    Raises UserError for a file that is not TOML, a key that is unknown, and a value that is wrong, with its line.
    """
    file = next((each / FILE for each in (start, *start.parents) if (each / FILE).is_file()), None)
    if file is None:
        return {}
    text = file.read_text("utf-8", "replace")
    if not _TABLE.search(text):
        return {}
    import tomllib  # most projects have no such table

    try:
        table = tomllib.loads(text)["tool"]["harness"]
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file}: {error}") from None
    problems = [problem for key, value in table.items() if (problem := _problem(file, text, key, value))]
    if problems:
        raise UserError(problems)
    if "runs" in table:
        table["runs"] = str(file.parent / table["runs"])
    return dict(table)


def _problem(file: Path, text: str, key: str, value: Any) -> Problem | None:
    if key not in KEYS:
        message = f"'{key}' is not a key of [tool.harness]. {nearest(key, KEYS)}"
    elif not KEYS[key][0](value):
        message = f"{key}: got {value!r}; expected {KEYS[key][1]}"
    else:
        return None
    return Problem(message, file=str(file), line=_line_of(text, key))


def _line_of(text: str, key: str) -> int:
    """The line of a key of the table: tomllib gives none."""
    header = _TABLE.search(text)
    begin = header.start() if header else 0
    match = re.compile(rf"""^\s*["']?{re.escape(key)}["']?\s*=""", re.MULTILINE).search(text, begin)
    return text.count("\n", 0, match.end() if match else begin) + 1


def cache_folder() -> Path:
    """Where unpacked functions and installed programs are, all of which can be made again.

    HARNESS_CACHE, or `harness` in the user's cache folder (XDG_CACHE_HOME, else ~/.cache).
    """
    folder = os.environ.get("HARNESS_CACHE")
    return Path(folder) if folder else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harness"
