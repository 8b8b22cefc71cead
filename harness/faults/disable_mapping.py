"""Disable mapping: the event source mapping is switched off and on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import Disruption


@dataclass(frozen=True, kw_only=True)
class DisableMapping(Disruption):
    """The event source mapping is disabled, and enabled again after a while.

    AWS documents that it goes on where it stopped (semantics S-88). seconds: how long it is disabled.
    """

    NAME: ClassVar[str] = "disable_mapping"
    seconds: float = 2.0
