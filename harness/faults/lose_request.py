"""Lose request: the connection breaks before AWS got the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action
from harness.action import LoseRequest as LoseRequestAction
from harness.faults.base import AWS_CALL, Fault
from harness.point import BEFORE, Point


@dataclass(frozen=True, kw_only=True)
class LoseRequest(Fault):
    """The connection breaks before the request was sent: nothing is committed, and the SDK tries again."""

    NAME: ClassVar[str] = "lose_request"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((AWS_CALL, BEFORE),)

    def decide(self, point: Point) -> Action | None:
        return LoseRequestAction()
