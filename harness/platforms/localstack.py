"""The platform `localstack`: a stack at an endpoint that speaks it, real processes, real time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from harness import dispatcher, hook
from harness.errors import NotImitated
from harness.faults.base import Fault
from harness.mapping import BY_HARNESS
from harness.platforms import capabilities
from harness.platforms.deployed import Deployed
from harness.stack import Stack


class LocalStack(Deployed):
    """What its own mapping cannot do is refused, unless the harness's dispatcher stands in for it."""

    name: ClassVar[str] = "localstack"
    timestamp_seconds: ClassVar[int] = 60

    @staticmethod
    def refusals(stack: Stack, faults: Sequence[Fault]) -> list[str]:
        reasons = capabilities.refusals(stack.mapping, faults)
        if stack.mapping.by == BY_HARNESS:
            try:
                dispatcher.refuse(stack.mapping)
            except NotImitated as error:
                reasons.append(str(error))
        return reasons

    def client(self, service: str) -> Any:
        return hook.own_client(service, endpoint=self._plan.endpoint)

    def caller(self, service: str) -> Any:
        return hook.own_client(service, 1, self._plan.endpoint, read_timeout=self.read_timeout)
