"""Replaces parts of Python for as long as a run owns them, and puts them back in the end."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self


class Replacements:
    """A context; a subclass says in `replace_all` what is replaced."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any]] = []

    def replace_all(self) -> None:
        raise NotImplementedError

    def replace(self, owner: Any, name: str, value: Any) -> None:
        self._kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def __enter__(self) -> Self:
        self.replace_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._kept:
            setattr(*self._kept.pop())
