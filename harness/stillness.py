"""Stillness: nothing that can be seen has changed for a while. The last resort where an end cannot be observed."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stillness:
    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._seen: object = None
        self._since = now()

    def lasts(self, seen: object) -> bool:
        """Whether the same has been seen for so long."""
        if seen != self._seen:
            self._seen, self._since = seen, self._now()
        return self._now() - self._since >= self._seconds
