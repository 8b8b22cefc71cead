"""Pause platform: LocalStack freezes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import Disruption


@dataclass(frozen=True, kw_only=True)
class PausePlatform(Disruption):
    """LocalStack and its functions stand still for a while, and then go on as if nothing had been.

    seconds: for how long.
    """

    NAME: ClassVar[str] = "pause_platform"
    seconds: float = 2.0
