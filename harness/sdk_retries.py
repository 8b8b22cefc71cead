"""The run owns the pauses of botocore's newer retry modes: left alone, their chance and their time are their own."""

from __future__ import annotations

import random
import threading
import time
from types import SimpleNamespace
from typing import Any

from botocore.retries import bucket
from botocore.retries.standard import ExponentialBackoff

from harness.replacement import Replacements

_SHORTEST_SECONDS = 1e-6  # the run's clock shows no less: a shorter wait would be repeated for ever


class _Condition(threading.Condition):
    """Waits in the time of `time.sleep`, to the end: a client belongs to one process, so that nobody else notifies."""

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        time.sleep(max(timeout or 0, _SHORTEST_SECONDS))
        self.acquire()
        return True


class OwnedPauses(Replacements):
    """A context for clients that are made in it.

    Standard mode draws from `random.random` as it was when botocore was imported: here it looks the function up when
    it draws. Adaptive mode waits for its token bucket on a lock, in real time: here in the time of `time.sleep`.
    """

    def replace_all(self) -> None:
        initialise: Any = ExponentialBackoff.__init__
        kept = random._inst.random
        defaults = ((lambda: random.random()) if each == kept else each for each in initialise.__defaults__)
        self.replace(initialise, "__defaults__", tuple(defaults))
        self.replace(bucket, "threading", SimpleNamespace(Lock=threading.Lock, Condition=_Condition))
