"""The platform `localstack`: a stack at an endpoint that speaks it, real processes, real time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness import dispatcher
from harness.disruptions import Disruption
from harness.faults.base import Fault
from harness.localstack import runtime_at
from harness.mapping import BY_HARNESS
from harness.platforms import capabilities
from harness.platforms.capabilities import OUTAGES
from harness.platforms.deployed import Deployed
from harness.platforms.outages import Outages
from harness.stack import Stack
from harness.where import Where

OWN_RUNTIME = "provided"  # and the system's name


class LocalStack(Deployed):
    """What its own mapping cannot do is refused, unless the harness's dispatcher stands in for it."""

    name: ClassVar[str] = "localstack"
    timestamp_seconds: ClassVar[int] = 60

    @staticmethod
    def refusals(stack: Stack, faults: Sequence[Fault], where: Where) -> list[str]:
        reasons = capabilities.refusals(stack, faults)
        outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
        # Who started it is a question to the machine, for what depends on it only.
        depends = outages or stack.endpoints or not stack.function.has_agent
        found = runtime_at(where.endpoint) if depends else None
        if outages and found is None:
            reasons += [f"{name}: `harness up` did not start the LocalStack at {where.endpoint}" for name in outages]
        if stack.endpoints and (found is None or found[0].name != "host"):
            reasons.append("endpoints: functions reach this machine's 127.0.0.1 with `harness up --runtime host` only")
        reasons += capabilities.refusals_of_language(stack.function, stack.mapping, faults)
        own = stack.function.runtime.startswith(OWN_RUNTIME)
        if not (stack.function.has_agent or own) and found is not None and found[0].name == "host":
            what = "functions in Python, and those with a runtime of their own (provided.al2023), only"
            reasons.append(f"{stack.function.runtime}: `harness up --runtime host` runs {what}")
        if stack.mapping.by == BY_HARNESS:
            reasons += dispatcher.refusals(stack.mapping)
        return reasons

    def can(self) -> dict[str, Disruption]:
        wanted = any(fault.NAME in OUTAGES for fault in self._plan.faults)
        found = runtime_at(self._plan.where.endpoint) if wanted else None
        if found is None:
            return super().can()
        runtime, port = found
        outages = Outages(runtime, port, self._plan.stack.function.name, self._left.read, self.record)
        return super().can() | outages.table()
