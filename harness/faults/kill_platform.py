"""Kill platform: LocalStack dies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import Disruption


@dataclass(frozen=True, kw_only=True)
class KillPlatform(Disruption):
    """LocalStack's process, or its container, is killed; it is started again when the faults heal.

    Without persistence all that it held is gone then (semantics G-14).
    """

    NAME: ClassVar[str] = "kill_platform"
