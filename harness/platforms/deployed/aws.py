"""The platform `aws`: the same stack in the user's account, which the user has to name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import boto3

from harness.delivery import dispatcher
from harness.faults.base import Fault
from harness.pipeline.mapping import BY_HARNESS
from harness.pipeline.stack import Stack
from harness.platforms import capabilities, hook
from harness.platforms.deployed.platform import Deployed
from harness.platforms.target import Target


class Aws(Deployed):
    """All that it creates is tagged, and deleted when the run ends. A new mapping takes minutes to begin (S-87)."""

    name: ClassVar[str] = "aws"
    timestamp_seconds: ClassVar[int] = 1
    max_rest_seconds: ClassVar[float] = 900.0
    arrival_seconds: ClassVar[int] = 10
    quiet_seconds: ClassVar[float] = 120.0

    @staticmethod
    def unsupported(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
        reasons = capabilities.unsupported_on_aws(stack.mapping, faults)
        reasons += capabilities.unsupported_without_agent(stack.function, stack.mapping, faults)
        if stack.function.role_id is None:
            reasons.append("the function's role is not in the template, and must be allowed to use the control table")
        if stack.endpoints:
            reasons.append("endpoints: the harness serves them on this machine, which functions on AWS do not reach")
        if stack.mapping.by == BY_HARNESS:
            reasons += dispatcher.unsupported(stack.mapping)
        return reasons

    @property
    def session(self) -> boto3.Session:
        target = self._plan.target
        return hook.user_session(target.profile, target.region)
