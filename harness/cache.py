"""What the harness keeps and can make again (unpacked functions, fetched programs), and locks between processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """HARNESS_CACHE, or `harness` in the user's cache folder (XDG_CACHE_HOME, else ~/.cache)."""
    own = os.environ.get("HARNESS_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harness"


@contextmanager
def alone(path: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Holds the lock for the block, and gives its descriptor: a child process that inherits it holds it too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that does the same")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
