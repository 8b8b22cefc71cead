"""Recreate mapping: the event source mapping is deleted and made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import Disruption


@dataclass(frozen=True, kw_only=True)
class RecreateMapping(Disruption):
    """The event source mapping is deleted, and another one with the same settings made.

    AWS keeps no position for it: it begins at its starting position (semantics S-86). seconds: how long there is none.
    """

    NAME: ClassVar[str] = "recreate_mapping"
    seconds: float = 0.0
