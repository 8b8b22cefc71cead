"""What a handler raised, and where in its own files: not in the agent, not in a library that came along."""

from __future__ import annotations

import traceback
from functools import cache
from importlib.metadata import distributions
from pathlib import Path


def told(error: BaseException, root: str) -> str:
    """As in `KeyError: 'price' at billing.py:3`, the file as it is named in the function's folder, which is `root`."""
    place = _place(error, root)
    return f"{type(error).__name__}: {error}" + (f" at {place}" if place else "")


def _place(error: BaseException, root: str) -> str | None:
    """The innermost line of the user's own; of what is no Python, the line that cannot be read."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    for file, line in reversed(places):
        if Path(file).is_relative_to(root):
            name = Path(file).relative_to(root)
            if name.parts[0] not in {"harness", *_libraries(root)}:
                return f"{name.as_posix()}:{line}"
    return None


@cache
def _libraries(root: str) -> frozenset[str]:
    """The outermost names of what pip has installed there."""
    return frozenset(file.parts[0] for found in distributions(path=[root]) for file in found.files or ())
