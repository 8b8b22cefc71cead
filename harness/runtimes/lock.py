"""One at a time, between processes; a lock ends with the last process that holds it, however that dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.runtimes.base import Say


@contextmanager
def alone(path: Path, say: Say) -> Iterator[int]:
    """Holds the lock for the block, and gives its descriptor: a child process that inherits it holds it too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that does the same")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
