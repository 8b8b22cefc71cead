"""Throttle function: it may not run at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import Disruption


@dataclass(frozen=True, kw_only=True)
class ThrottleFunction(Disruption):
    """The function's concurrency is reserved at zero for a while: every invocation of it is throttled.

    AWS documents that this uses no retry (semantics S-68). seconds: for how long.
    """

    NAME: ClassVar[str] = "throttle_function"
    seconds: float = 2.0
