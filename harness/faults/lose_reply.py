"""Lose reply: AWS carried the request out, and its answer never arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.action import Action
from harness.action import LoseReply as LoseReplyAction
from harness.faults.base import AWS_CALL, Fault
from harness.point import AFTER, Point


@dataclass(frozen=True, kw_only=True)
class LoseReply(Fault):
    """The request was sent and carried out, and its reply is lost: the SDK, which cannot know, sends it again."""

    NAME: ClassVar[str] = "lose_reply"
    PLACES: ClassVar[tuple[tuple[str, str], ...]] = ((AWS_CALL, AFTER),)

    def decide(self, point: Point) -> Action | None:
        return LoseReplyAction()
