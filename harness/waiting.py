"""Waiting: until something is observed or a bound is reached, for quiescence, for a turn, and with Ctrl-C delayed."""

from __future__ import annotations

import fcntl
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay

from harness.interrupts import SIGNALS, Interrupted

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
        with _locked(file.with_suffix(".queue"), fcntl.LOCK_EX, seconds):
            holding.enter_context(_locked(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, seconds))
        yield


@contextmanager
def _locked(file: Path, how: int, seconds: float) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:

        def take() -> bool:
            try:
                fcntl.flock(lock, how | fcntl.LOCK_NB)
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
