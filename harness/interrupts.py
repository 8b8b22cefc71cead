"""The signals that end a run: Ctrl-C, and, with the same cleaning up, SIGTERM and SIGHUP (of a closed terminal)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
