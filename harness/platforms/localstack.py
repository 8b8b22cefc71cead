"""The platform `localstack`: a stack at an endpoint that speaks it, real processes, real time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from harness import dispatcher, hook
from harness.disruptions import Disruption
from harness.errors import NotImitated
from harness.faults.base import Fault
from harness.mapping import BY_HARNESS
from harness.platforms import capabilities
from harness.platforms.deployed import Deployed
from harness.platforms.outages import OUTAGES, Outages
from harness.runtimes import runtime_at
from harness.stack import Stack


class LocalStack(Deployed):
    """What its own mapping cannot do is refused, unless the harness's dispatcher stands in for it."""

    name: ClassVar[str] = "localstack"
    timestamp_seconds: ClassVar[int] = 60

    @staticmethod
    def refusals(stack: Stack, faults: Sequence[Fault], endpoint: str | None) -> list[str]:
        reasons = capabilities.refusals(stack.mapping, faults)
        outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
        if outages and runtime_at(endpoint) is None:
            reasons += [f"{name}: `harness up` did not start the LocalStack at {endpoint}" for name in outages]
        if stack.mapping.by == BY_HARNESS:
            try:
                dispatcher.refuse(stack.mapping)
            except NotImitated as error:
                reasons.append(str(error))
        return reasons

    def can(self) -> dict[str, Disruption]:
        wanted = any(fault.NAME in OUTAGES for fault in self._plan.faults)
        found = runtime_at(self._plan.endpoint) if wanted else None
        if found is None:
            return super().can()
        runtime, port = found
        outages = Outages(runtime, port, self._plan.stack.function.name, self._left.read, self.record)
        return super().can() | outages.table()

    def client(self, service: str) -> Any:
        return hook.own_client(service, endpoint=self._plan.endpoint)

    def caller(self, service: str) -> Any:
        return hook.own_client(service, 1, self._plan.endpoint, read_timeout=self.read_timeout)
