"""The run owns chance: while it lasts, `random`, `uuid4`, `secrets` and `os.urandom` follow from its seed."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any

from harness.replacement import Replacements


class _Current(random.Random):
    """Passes every draw on to the generator of whoever draws."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        self._current = current
        super().__init__()

    def random(self) -> float:
        return self._current().random()

    def getrandbits(self, k: int, /) -> int:
        return self._current().getrandbits(k)

    def seed(self, *arguments: Any, **named: Any) -> None:
        """A program that seeds does not get to choose: the run's seed stays in force."""


class OwnedChance(Replacements):
    """A context in which each actor draws from its own generator, so that one more draw here changes nothing there."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        super().__init__()
        self._current = current

    def replace_all(self) -> None:
        owned = _Current(self._current)
        shared = random._inst
        # Who took a function of this generator before the run still draws from it: in the run's order, from its seed.
        self._state = shared.getstate()
        shared.seed(self._current().getrandbits(64))
        for name in random.__all__:
            if getattr(getattr(random, name), "__self__", None) is shared:
                self.replace(random, name, getattr(owned, name))
        self.replace(random, "_urandom", self._bytes)  # SystemRandom's and so secrets' source
        self.replace(os, "urandom", self._bytes)  # uuid4's source
        self.replace(uuid, "uuid1", uuid.uuid4)  # would show this machine's address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        random.setstate(self._state)

    def _bytes(self, size: int, /) -> bytes:
        return self._current().randbytes(size)
