"""Waiting: until something is observed or a bound is reached, for quiescence, for a turn, and what a signal does to it.

The signals are Ctrl-C, and, with the same cleaning up, SIGTERM and SIGHUP (of a closed terminal).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tenacity import RetryCallState


SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(KeyboardInterrupt):
    """A signal that ends a run has come."""


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """In the block, each of the signals raises Interrupted; those that are ignored (as under nohup) stay ignored.

    After the first one the others are ignored, but for Ctrl-C: cleaning up has begun.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def interrupt(number: int, frame: object) -> None:
        for other in SIGNALS:
            if other != signal.SIGINT:
                signal.signal(other, _nothing)
        raise Interrupted

    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _nothing(number: int, frame: object) -> None:
    """A function, because programs that are started inherit what is ignored."""


T = TypeVar("T")
# Polling loads the service: the interval grows while the answer stays the same.
FIRST_SECONDS, RATIO, MAX_SECONDS = 0.03, 1.2, 0.25


def until(ask: Callable[[], T], seconds: float) -> T:
    """Calls `ask` until its answer is true. Returns that answer, or the last one when the seconds are over."""
    return _repeated(ask, lambda answer: not answer, seconds)


def until_nothing(pending: Callable[[], str], seconds: float) -> str:
    """Waits until nothing is pending: returns "", or what is pending when the seconds are over."""
    return _repeated(pending, bool, seconds)


def _repeated(ask: Callable[[], T], again: Callable[[T], bool], seconds: float) -> T:
    from tenacity import Retrying, retry_if_result, stop_after_delay  # the command line needs the signals alone

    retrying = Retrying(
        retry=retry_if_result(again),
        wait=_Pause(),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    answer: T = retrying(ask)
    return answer


class _Pause:
    """The interval between two questions. It is short after a change: what has just changed may soon change again."""

    def __init__(self) -> None:
        self._answer: Any = None
        self._seconds = FIRST_SECONDS

    def __call__(self, state: RetryCallState) -> float:
        assert state.outcome
        before, self._answer = self._answer, state.outcome.result()
        self._seconds = min(self._seconds * RATIO, MAX_SECONDS) if self._answer == before else FIRST_SECONDS
        return self._seconds


class Quiescence:
    """Detects that the same state has been observed for a while: the last resort where an end cannot be observed."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._state: object = None
        self._since = now()

    def lasts(self, state: object) -> bool:
        """Whether the state has been the same for that many seconds."""
        if state != self._state:
            self._state, self._since = state, self._now()
        return self._now() - self._since >= self._seconds


@contextmanager
def turn(file: Path, alone: bool, seconds: float) -> Iterator[None]:
    """Holds what the file stands for, alone or with others that are not alone. The kernel lets go where a process dies.

    Nobody overtakes who waits: among many that hold it together, one that wants it alone would wait for ever. Raises
    TimeoutError after so many seconds.
    """
    with ExitStack() as holding:
        with _locked(file.with_suffix(".queue"), True, seconds):
            holding.enter_context(_locked(file, alone, seconds))
        yield


@contextmanager
def _locked(file: Path, alone: bool, seconds: float) -> Iterator[None]:
    import fcntl  # not on Windows

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:

        def take() -> bool:
            try:
                fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not until(take, seconds):
            raise TimeoutError(f"another process has held {file} for {seconds:g} s")
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """Delays the signals until the block has ended; a second Ctrl-C is not delayed. Only the main thread gets them."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in before.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts = []

    def remember(number: int, frame: object) -> None:
        interrupts.append(number)
        if number in before:
            signal.signal(number, before[number])

    for number in before:
        signal.signal(number, remember)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if interrupts:
            raise Interrupted
