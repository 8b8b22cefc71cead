"""The randomness of a run: keyed draws from one seed, and the faults that fired by them."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

_DRAW_BITS = 53


@dataclass(frozen=True, slots=True)
class Seed:
    """One integer from which every draw of a run follows.

    Draws are keyed, not sequential: the same key always gives the same draw, so that removing one fault does not
    change the draws of the others.
    """

    value: int

    def draw(self, *key: object) -> float:
        """A number in [0, 1)."""
        return (self._bits(key) >> (64 - _DRAW_BITS)) / (1 << _DRAW_BITS)

    def between(self, low: int, high: int, *key: object) -> int:
        """A whole number in [low, high]."""
        return low + int(self.draw(*key) * (high - low + 1))

    def random(self, *key: object) -> random.Random:
        """A generator for a sequence of draws."""
        return random.Random(self._bits(key))

    def _bits(self, key: tuple[object, ...]) -> int:
        text = "\x1f".join((str(self.value), *map(str, key)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class FiredFault:
    """A fault that fired: its index in the scenario, the name of the point, and the action."""

    fault: int
    point: str
    action: str
