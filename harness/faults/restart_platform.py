"""Restart platform: LocalStack dies and comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import Disruption


@dataclass(frozen=True, kw_only=True)
class RestartPlatform(Disruption):
    """LocalStack's process, or its container, is killed and at once started again.

    Without persistence all that it held is gone (semantics G-14).
    """

    NAME: ClassVar[str] = "restart_platform"
    seconds: ClassVar[float] = 0.0
