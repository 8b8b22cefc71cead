"""The seeds of a scenario: `7`, `[1, 2]` or `0..49`."""

from __future__ import annotations

import re
from typing import Any

from harness.errors import shown

MAX_SEEDS = 100_000
_RANGE = re.compile(r"^([0-9]+)\.\.([0-9]+)$")
SEEDS_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        {"type": "string", "pattern": _RANGE.pattern, "examples": ["0..49"]},
    ]
}


def parse_seeds(value: Any) -> tuple[int, ...]:
    """In the order given, each once. Raises ValueError."""
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if found:
        low, high = int(found[1]), int(found[2])
        if high < low:
            raise ValueError(f"got {shown(value)}, which is empty: the first seed is above the last")
        if high - low >= MAX_SEEDS:
            raise ValueError(f"got {shown(value)}; expected at most {MAX_SEEDS} seeds")
        return tuple(range(low, high + 1))
    seeds = value if isinstance(value, list) else [value]
    if not seeds or not all(_is_seed(seed) for seed in seeds):
        raise ValueError(f"got {shown(value)}; expected a whole number from 0, a list of them, or a range like 0..49")
    return tuple(dict.fromkeys(seeds))


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
