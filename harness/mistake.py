"""Mistakes in a part of a scenario, found where nobody knows yet in which file the part stands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from harness.errors import DocumentPath

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong at a path: at the value there, or at its key."""

    path: DocumentPath
    message: str
    at_key: bool = False

    def below(self, path: DocumentPath) -> Mistake:
        return replace(self, path=(*path, *self.path))


class Mistakes(ValueError):
    """Raised by whoever reads a part; the paths begin at that part."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistake.message for mistake in self.mistakes))


def shown(value: Any) -> str:
    """A value as the user knows it from the file, in short."""
    words = {None: "nothing", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The word that `harness.errors.nearest` names."""
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=0.5)), None)
