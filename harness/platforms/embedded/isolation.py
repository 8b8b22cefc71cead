"""Replaces parts of Python in this process for a run, as writers share it with the harness: chance, pauses, output.

Each part is a context that replaces functions of Python and puts them back in the end.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, TextIO

from botocore.retries import bucket
from botocore.retries.standard import ExponentialBackoff

from harness.environment.determinism import replaced
from harness.errors import NotImitated
from harness.platforms.embedded.actors import Actors

_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
_ONLY_AWS = "only AWS calls by boto3 are imitated"
_SHORTEST_SECONDS = 1e-6  # the clock's resolution: a shorter wait would not advance it, and be repeated for ever


@contextmanager
def owned_chance(current: Callable[[], random.Random]) -> Iterator[None]:
    """`random`, `uuid4`, `secrets` and `os.urandom` draw from the current actor's generator.

    Each actor has its own, so one more draw by one of them changes nothing for the others.
    """
    owned, shared = _Current(current), random._inst
    functions = {
        name: getattr(owned, name)
        for name in random.__all__
        if getattr(getattr(random, name), "__self__", None) is shared
    }

    def urandom(size: int, /) -> bytes:
        return current().randbytes(size)

    # Code that took a function of Python's generator before the run still draws from it: from the run's seed.
    state = shared.getstate()
    shared.seed(current().getrandbits(64))
    try:
        with (
            replaced(random, _urandom=urandom, **functions),  # SystemRandom's and so secrets' source
            replaced(os, urandom=urandom),  # uuid4's source
            replaced(uuid, uuid1=uuid.uuid4),  # would show this machine's address
        ):
            yield
    finally:
        random.setstate(state)


class _Current(random.Random):
    """Passes every draw on to the generator of the current actor."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        self._current = current
        super().__init__()

    def random(self) -> float:
        return self._current().random()

    def getrandbits(self, k: int, /) -> int:
        return self._current().getrandbits(k)

    def seed(self, *arguments: Any, **named: Any) -> None:
        """Ignored: the run's seed stays in force."""


@contextmanager
def owned_pauses() -> Iterator[None]:
    """The pauses of botocore's newer retry modes, for clients that are made in this context.

    Standard mode draws from `random.random` as it was when botocore was imported: here it looks the function up when
    it draws. Adaptive mode waits for its token bucket on a lock, in real time: here in the time of `time.sleep`.
    """
    initialise: Any = ExponentialBackoff.__init__
    early = random._inst.random
    defaults = tuple((lambda: random.random()) if each == early else each for each in initialise.__defaults__)
    replacement = SimpleNamespace(Lock=threading.Lock, Condition=_Condition)
    with replaced(initialise, __defaults__=defaults), replaced(bucket, threading=replacement):
        yield


class _Condition(threading.Condition):
    """Waits in the time of `time.sleep`, to the end: a client belongs to one process, so that nobody else notifies."""

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        time.sleep(max(timeout or 0, _SHORTEST_SECONDS))
        self.acquire()
        return True


@contextmanager
def confined(actors: Actors) -> Iterator[None]:
    """A writer's `print` goes to the run's log, and what leads out is refused: nothing else would notice it.

    For the harness these functions work as usual.
    """
    output = {name: _Output(getattr(sys, name), actors) for name in ("stdout", "stderr")}
    with replaced(sys, **output), _ways_out_refused(actors):
        yield


def _with_check(actors: Actors, original: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    def checked(*arguments: Any, **named: Any) -> Any:
        if actors.inside():
            check(*arguments)
        return original(*arguments, **named)

    return checked


@contextmanager
def _ways_out_refused(actors: Actors) -> Iterator[None]:
    def check_connect(connection: socket.socket, address: Any) -> None:
        actors.refuse(NotImitated(f"a connection to {address}: {_ONLY_AWS}"))

    def check_name(host: Any, *_: Any) -> None:
        actors.refuse(NotImitated(f"a look-up of {host}: {_ONLY_AWS}"))

    def check_fork() -> None:
        actors.refuse(NotImitated("a fork: a writer has no process of its own, and a child would play the run"))

    connections = {
        name: _with_check(actors, getattr(socket.socket, name), check_connect) for name in ("connect", "connect_ex")
    }
    names = {name: _with_check(actors, getattr(socket, name), check_name) for name in _LOOK_UPS}
    fork = _with_check(actors, os.fork, check_fork)
    with replaced(socket.socket, **connections), replaced(socket, **names), replaced(os, fork=fork):
        yield


class _Output:
    """Standard output or error: an actor's goes to the log of the run."""

    def __init__(self, original: TextIO, actors: Actors) -> None:
        self._original = original
        self._actors = actors

    def write(self, text: str) -> int:
        if not self._actors.inside():
            return self._original.write(text)
        self._actors.log(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
