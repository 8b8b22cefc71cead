"""How two things are measured side by side: by turns, so that both see the same machine, and by the median."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians over the rounds: seconds of each, and of the ratio of the two within a round."""

    subject: float
    reference: float
    ratio: float


def by_turns(subject: Callable[[], float], reference: Callable[[], float], rounds: int) -> Pair:
    """Each call returns the seconds that it measured. The first round only warms up, and does not count."""
    seconds = [(subject(), reference()) for _ in range(rounds + 1)][1:]
    return Pair(
        statistics.median(pair[0] for pair in seconds),
        statistics.median(pair[1] for pair in seconds),
        statistics.median(pair[0] / pair[1] for pair in seconds),
    )
