"""Blind create: create once, and believe every refusal."""

from __future__ import annotations

from typing import ClassVar

from botocore.exceptions import ClientError

from harness.workloads.create_once import CreateOnce
from harness.workloads.generator import Change


class BlindCreate(CreateOnce):
    """A conditional create that takes a failed condition for "somebody else was first": wrong about its own write
    when a reply is lost (S-11)."""

    OPERATION: ClassVar[str] = "blind_create"

    def exists_already(self, error: ClientError, change: Change) -> bool:
        return False
