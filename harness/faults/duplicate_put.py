"""Duplicate put: the client makes the same operation twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action, Duplicate
from harness.faults.base import Fault
from harness.point import BEFORE, OPERATION, Point


@dataclass(frozen=True, kw_only=True)
class DuplicatePut(Fault):
    """The client makes the whole operation twice, as a caller does who retries, or who is called twice.

    changed: the duplicate carries another value of an attribute that says nothing about the intent (`note`).
    concurrently: a second writer makes it, at the same time.
    """

    NAME: ClassVar[str] = "duplicate_put"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((OPERATION, BEFORE),)

    process: str = "writer"
    call: str = OPERATION
    changed: bool = False
    concurrently: bool = False

    def decide(self, point: Point) -> Action | None:
        return Duplicate(self.changed, self.concurrently)
