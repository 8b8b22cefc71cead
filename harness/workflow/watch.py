"""Reports the files that change in folders."""

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
    for changed in watch(
        *_outermost(folders),
        watch_filter=DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, RUNS)),
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    ):
        if changed or not begun:
            begun = True
            yield lasting(changed)


def lasting(changed: Collection[tuple[Change, str]]) -> list[Path]:
    """The changed files without those that were both added and deleted, such as an editor's temporary files."""
    added, deleted = ({path for kind, path in changed if kind == each} for each in (Change.added, Change.deleted))
    return sorted({Path(path) for _, path in changed} - {Path(path) for path in added & deleted})


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """The folders that are inside no other one of them."""
    resolved = {folder.resolve() for folder in folders}
    return sorted(folder for folder in resolved if resolved.isdisjoint(folder.parents))
