"""Idempotency tokens of transactions: what was asked for under a token, and what was answered (S-15 to S-20)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.services.base import Reply

WINDOW_MICROSECONDS = 10 * 60 * 1_000_000


class TokenMismatch(Exception):
    """The token is known, with other parameters."""


@dataclass(frozen=True, slots=True)
class _Completed:
    fingerprint: str
    time: int
    reply: Reply


class Tokens:
    """Remembers a completed request for ten minutes from its completion, not a moment longer (S-16, as AWS documents).

    Only a success is remembered: a cancelled or refused transaction leaves its token free (S-20).
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._completed: dict[str, _Completed] = {}  # in the order of completion, so the oldest is the first

    def recall(self, token: str, fingerprint: str) -> Reply | None:
        """The reply that was given under this token, None for a new token. Raises TokenMismatch."""
        self._forget()
        known = self._completed.get(token)
        if known is None:
            return None
        if known.fingerprint != fingerprint:
            raise TokenMismatch(token)
        return known.reply

    def complete(self, token: str, fingerprint: str, reply: Reply) -> None:
        self._completed[token] = _Completed(fingerprint, self._now(), reply)

    def _forget(self) -> None:
        horizon = self._now() - WINDOW_MICROSECONDS
        while self._completed:
            token, oldest = next(iter(self._completed.items()))
            if oldest.time > horizon:
                return
            del self._completed[token]
