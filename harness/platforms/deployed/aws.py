"""The platform `aws`: the stack in the user's account, which `--account` names."""

from __future__ import annotations

from typing import ClassVar

import boto3

from harness.platforms import clients
from harness.platforms.deployed.platform import Deployed


class Aws(Deployed):
    """Everything it creates is tagged, and deleted when the run ends. A new mapping starts within minutes (S-87)."""

    name: ClassVar[str] = "aws"
    timestamp_seconds: ClassVar[int] = 1
    max_rest_seconds: ClassVar[float] = 900.0
    arrival_seconds: ClassVar[int] = 10
    quiet_seconds: ClassVar[float] = 120.0

    @property
    def session(self) -> boto3.Session:
        target = self._plan.target
        return clients.user_session(target.profile, target.region)
