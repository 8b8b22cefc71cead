"""Tables of interchangeable implementations: a word, and the class behind it, which is imported on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def located(location: str) -> Any:
    """What stands in a module, by `module:name`; the module is imported if need be."""
    module, _, name = location.partition(":")
    return getattr(import_module(module), name)


class LazyTable(Mapping[str, T]):
    """`locations` gives for each word `module:Class`. Looking a word up imports that module and no other."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        self._locations = locations

    def __getitem__(self, word: str) -> T:
        implementation: T = located(self._locations[word])
        return implementation

    def __contains__(self, word: object) -> bool:
        return word in self._locations

    def __iter__(self) -> Iterator[str]:
        return iter(self._locations)

    def __len__(self) -> int:
        return len(self._locations)
