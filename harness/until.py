"""Waiting by observation: ask, again and again, until it has happened or the bound is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

T = TypeVar("T")
POLL_SECONDS = 0.05


def until(ask: Callable[[], T], seconds: float) -> T:
    """The first answer that is true, or the last one of those seconds."""
    retrying = Retrying(
        retry=retry_if_result(lambda answer: not answer),
        wait=wait_fixed(POLL_SECONDS),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    answer: T = retrying(ask)
    return answer
