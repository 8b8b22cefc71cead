"""Where the files are that a scenario names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import closest, nearest

DEFAULT_FUNCTION = "handler"
_FUNCTION = re.compile(r"^(?P<file>.+):(?P<function>[A-Za-z_]\w*)$")


@dataclass(frozen=True, slots=True)
class Handler:
    """The function in a file that Lambda calls."""

    file: Path
    function: str = DEFAULT_FUNCTION


def folders(scenario: Path | None) -> tuple[Path, ...]:
    """Where relative paths begin: in the current directory, then around the scenario's file, from near to far."""
    around = scenario.absolute().parents if scenario else ()
    return (Path(), *around)


def find_handler(text: str, folders: Sequence[Path]) -> Handler:
    """`path.py` or `path.py:function`. Raises ValueError when there is no such file."""
    named = _FUNCTION.fullmatch(text)
    if named:
        return Handler(find(named["file"], folders), named["function"])
    return Handler(find(text, folders))


def find(text: str, folders: Sequence[Path]) -> Path:
    """The first file of that path. Raises ValueError that says how far the path leads, and what is there."""
    candidates = [folder / text for folder in folders]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found:
        return found
    if not text or any(candidate.is_dir() for candidate in candidates):
        raise ValueError(f"'{text}' is not a file")
    parts = Path(text).parts
    for length in range(len(parts) - 1, -1, -1):
        there = [_names(folder.joinpath(*parts[:length])) for folder in folders]
        near = closest(parts[length], {name for names in there for name in names})
        known = next((names for names in there if names and near in (None, *names)), [])
        if known:
            where = f" in '{Path(*parts[:length])}'" if length else ""
            raise ValueError(f"no file '{text}': no '{parts[length]}'{where}. {nearest(parts[length], known)}")
    raise ValueError(f"no file '{text}'")


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [entry.name for entry in folder.iterdir() if not entry.name.startswith((".", "_"))]
