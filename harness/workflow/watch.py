"""Looks at folders, and tells what changes in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

from harness.pipeline.package import RUNS

_LOOK_MILLISECONDS = 100


def changes(folders: Iterable[Path]) -> Iterator[list[Path]]:
    """The files that changed, each time that some did. The first list is empty, and from then on nothing is missed.

    Raises KeyboardInterrupt on Ctrl-C.
    """
    begun = False
    for found in watch(
        *_outermost(folders),
        watch_filter=DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, RUNS)),
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    ):
        if found or not begun:
            begun = True
            yield lasting(found)


def lasting(found: Collection[tuple[Change, str]]) -> list[Path]:
    """The files of a set, but for those that came and went meanwhile, as editors use them."""
    came, went = ({path for kind, path in found if kind == each} for each in (Change.added, Change.deleted))
    return sorted({Path(path) for _, path in found} - {Path(path) for path in came & went})


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """A folder inside another one is looked at already."""
    known = {folder.resolve() for folder in folders}
    return sorted(folder for folder in known if known.isdisjoint(folder.parents))
