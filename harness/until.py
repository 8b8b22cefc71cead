"""Waiting by observation: ask, again and again, until it has happened or the bound is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

T = TypeVar("T")
# Who asks costs what is asked its time: what has taken long is asked less often.
POLLS = wait_exponential(multiplier=0.05, exp_base=1.2, max=0.25)  # seconds


def until(ask: Callable[[], T], seconds: float) -> T:
    """The first answer that is true, or the last one of those seconds."""
    retrying = Retrying(
        retry=retry_if_result(lambda answer: not answer),
        wait=POLLS,
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    answer: T = retrying(ask)
    return answer
