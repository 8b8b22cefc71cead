"""The target of a run: which platform, at which address, in which AWS account, and what that platform cannot run.

A run that needs more is refused before it starts. Each reason says the rule, and the row of docs/semantics.md or the
version of LocalStack that it comes from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.delivery import filters
from harness.errors import UserError
from harness.faults import FAULTS
from harness.faults.base import Fault
from harness.faults.points import DELIVER, DISPATCHER, FUNCTION
from harness.localstack import runtime_at
from harness.pipeline.resources import BY_HARNESS, FOREVER, Mapping, Table
from harness.pipeline.stack import SOURCE, Function, Stack
from harness.platforms import AWS, EMBEDDED, LOCALSTACK

LOCALSTACK_ENDPOINT = "http://127.0.0.1:4566"
_AWS_HOSTS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


@dataclass(frozen=True, slots=True)
class Target:
    """A platform; the endpoint of a remote one; on AWS the account, the profile for its credentials, and the Region.

    emulator: what answers at the endpoint, where that is not LocalStack.
    """

    platform: str
    endpoint: str | None = None
    account: str | None = None
    profile: str | None = None
    region: str | None = None
    emulator: str | None = None

    def __str__(self) -> str:
        if self.emulator:
            return f"{self.emulator} at {self.endpoint}"
        account = f" account {self.account} in {self.region}" if self.account else ""
        endpoint = f" at {self.endpoint}" if self.endpoint else ""
        return f"{self.platform}{account}{endpoint}"

    def client(self, service: str) -> Any:
        """A boto3 client for the harness itself, with the user's credentials on AWS."""
        from harness.platforms import clients  # loads boto3

        session = clients.user_session(self.profile, self.region) if self.platform == AWS else None
        return clients.harness_client(service, endpoint=self.endpoint, session=session)

    def options(self) -> list[str]:
        """The command-line options that choose this target."""
        chosen = {name: value for name, value in asdict(self).items() if value and name != "emulator"}
        return [word for name, value in chosen.items() for word in (f"--{name}", value)]

    @property
    def side_by_side(self) -> int:
        """How many runs are played at once: one for each core; two on a remote platform, where runs mostly wait."""
        return (os.cpu_count() or 1) * (1 if self.platform == EMBEDDED else 2)


EMBEDDED_TARGET = Target(EMBEDDED)


def choose_target(
    platform: str | None,
    endpoint: str | None = None,
    account: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    hint: Callable[[str], object] = lambda sentence: None,
) -> Target:
    """The platform of that name; without a name, a LocalStack that is asked for or ours, else the embedded platform.

    Asked for is what answers at AWS_ENDPOINT_URL, ours is what `harness up` or its Compose file started. What else
    answers on LocalStack's port is named in a hint and left alone. AWS is chosen only by its name.

    Raises UserError for options that make no sense together, for an endpoint that does not answer, and for an account
    that is not the caller's.
    """
    if platform == AWS:
        return _aws_target(endpoint, account, profile, region)
    if account or profile or region:
        raise UserError("--account, --profile and --region go with --platform aws")
    if platform == EMBEDDED:
        if endpoint:
            raise UserError("--endpoint goes with --platform localstack: the embedded platform has none")
        return EMBEDDED_TARGET
    asked_for = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    if asked_for is None:
        return _localstack_here(platform, hint)
    option = "--endpoint" if endpoint else "AWS_ENDPOINT_URL"
    host = urlsplit(asked_for).hostname
    if not host or host.endswith(_AWS_HOSTS):
        raise UserError(f"{option} {asked_for}: expected the address of a LocalStack, such as {LOCALSTACK_ENDPOINT}")
    if target := _at(asked_for):
        return target
    if platform is None and endpoint is None:
        hint(f"nothing answers at AWS_ENDPOINT_URL, {asked_for}: the embedded platform is used")
        return EMBEDDED_TARGET
    raise UserError(f"no LocalStack answers at {asked_for}: {_START}")


_START = "start one with `python -m harness up --runtime host`"


def _at(endpoint: str) -> Target | None:
    """What answers at the endpoint; None where nothing does."""
    from harness.localstack.health import LOCALSTACK as ITSELF
    from harness.localstack.health import emulator_at

    emulator = emulator_at(endpoint)
    if emulator is None:
        return None
    return Target(LOCALSTACK, endpoint, emulator=None if emulator.name == ITSELF else str(emulator))


def _localstack_here(platform: str | None, hint: Callable[[str], object]) -> Target:
    """A LocalStack of this machine that nobody has named: ours; on its usual port also another one, if it is wanted."""
    from harness.localstack import ours

    for running in ours():
        if target := _at(running.endpoint):
            return target
    other = _at(LOCALSTACK_ENDPOINT)
    if platform is None:
        if other:
            who = other.emulator or "a LocalStack that harness did not start"
            use = f"--platform {LOCALSTACK} --endpoint {LOCALSTACK_ENDPOINT}"
            hint(f"{who} answers at {LOCALSTACK_ENDPOINT} and is left alone; `{use}` runs there")
        return EMBEDDED_TARGET
    if other is None:
        raise UserError(f"no LocalStack answers at {LOCALSTACK_ENDPOINT}: {_START}")
    if other.emulator:
        use = f"--endpoint {LOCALSTACK_ENDPOINT}"
        raise UserError(f"{other} is no LocalStack: `{use}` runs there all the same, or {_START} and --port")
    return other


def _aws_target(endpoint: str | None, account: str | None, profile: str | None, region: str | None) -> Target:
    if not account:
        raise UserError("--platform aws needs --account: the number of the account in which everything is created")
    from harness.platforms import clients

    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")  # the SDK uses it without being asked
    session = clients.user_session(profile, region)
    caller = clients.caller_identity(session, endpoint)
    if caller["Account"] != account:
        raise UserError(f"--account {account}: the credentials are of account {caller['Account']} ({caller['Arn']})")
    return Target(AWS, endpoint, account, profile, session.region_name)


MAX_BATCH_SIZE = 1000
# Faults that reach a platform's own processes.
OUTAGES = frozenset({"kill_platform", "restart_platform", "pause_platform", "slow_platform", "kill_function"})
KILL = "kill_function"  # as soon as the function says that it has begun
INSTEAD = "`pipeline.mapping.by: harness` can"
IN_THIS_PROCESS = "the embedded platform is this very process; run it on a LocalStack that `harness up` started"
CUSTOM_RUNTIME = "provided"  # how the names of these runtimes begin


def unsupported(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    """Why the target cannot run this; empty where it can. Raises UserError for an invalid filter."""
    return _BY_PLATFORM[target.platform](stack, faults, target)


def _on_embedded(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    reasons = [f"{fault.NAME}: {IN_THIS_PROCESS}" for fault in faults if fault.NAME in OUTAGES - {KILL}]
    reasons += [f"not imitated: {reason}" for reason in filters.unsupported(stack.mapping)]
    return [*stack.not_imitated, *reasons]


def _on_localstack(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    reasons = unsupported_on_localstack(stack, faults)
    outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
    # Finding out who started it takes time, and only these depend on it.
    depends = outages or stack.endpoints or not stack.function.has_agent
    started = runtime_at(target.endpoint) if depends else None
    runtime = started[0].name if started else ""
    if outages and started is None:
        reasons += [f"{name}: `harness up` did not start the LocalStack at {target.endpoint}" for name in outages]
    if stack.endpoints and runtime != "host":
        reasons.append("endpoints: functions reach this machine's 127.0.0.1 with `harness up --runtime host` only")
    reasons += unsupported_without_agent(stack.function, stack.mapping, faults)
    runs_natively = stack.function.has_agent or stack.function.runtime.startswith(CUSTOM_RUNTIME)
    if runtime == "host" and not runs_natively:
        what = "functions in Python, and those with a runtime of their own (provided.al2023), only"
        reasons.append(f"{stack.function.runtime}: `harness up --runtime host` runs {what}")
    if stack.mapping.by == BY_HARNESS:
        reasons += filters.unsupported(stack.mapping)
    return reasons


def _on_aws(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    reasons = unsupported_on_aws(stack.mapping, faults)
    reasons += unsupported_without_agent(stack.function, stack.mapping, faults)
    if stack.function.role_id is None:
        reasons.append("the function's role is not in the template, and must be allowed to use the control table")
    if stack.endpoints:
        reasons.append("endpoints: the harness serves them on this machine, which functions on AWS do not reach")
    if stack.mapping.by == BY_HARNESS:
        reasons += filters.unsupported(stack.mapping)
    return reasons


_BY_PLATFORM = {EMBEDDED: _on_embedded, LOCALSTACK: _on_localstack, AWS: _on_aws}


def unsupported_on_localstack(stack: Stack, faults: Sequence[Fault]) -> list[str]:
    """What LocalStack's own mapping does not do, and which faults cannot act there."""
    if stack.mapping.by == BY_HARNESS:
        return [reason for fault in faults for reason in _custom_fault_reasons(fault)]
    of_table = _table_reasons(stack.mapping) if stack.of(Table, SOURCE) else ()
    return [
        *_mapping_reasons(stack.mapping),
        *of_table,
        *(reason for fault in faults for reason in _fault_reasons(fault)),
    ]


def unsupported_on_aws(mapping: Mapping, faults: Sequence[Fault]) -> list[str]:
    """Its mapping does all that it documents, but no fault reaches it, and nobody reaches its machines."""
    of_fault = _custom_fault_reasons if mapping.by == BY_HARNESS else _fault_reasons
    reasons = [reason for fault in faults for reason in of_fault(fault)]
    outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
    return [*reasons, *(f"{name}: nobody can reach AWS's own machines" for name in outages)]


def unsupported_without_agent(function: Function, mapping: Mapping, faults: Sequence[Fault]) -> list[str]:
    """What the agent would do or report. It goes with functions in Python only."""
    if function.has_agent:
        return []
    reasons = []
    if mapping.by != BY_HARNESS:
        reasons.append(f"{function.runtime}: the agent would tell when the platform's own mapping is done; {INSTEAD}")
    aimed = [fault for fault in faults if fault.reaches(FUNCTION) or fault.NAME == KILL]
    without = f"a function in {function.runtime} goes without the agent, which would do it there"
    return [*reasons, *(f"{fault.NAME} at {fault.process}: {without}" for fault in aimed)]


def unsupported_expiry(writer: str, platform: str, time_to_live: str | None) -> list[str]:
    """Why a writer's items do not expire in time: they must be gone before the run is over (S-52)."""
    if platform != EMBEDDED:
        return [f"{writer}: AWS may take days to delete what has expired, and LocalStack 4.14 does not do it by itself"]
    if time_to_live is None:
        return [f"{writer}: the source table has no TimeToLiveSpecification that is enabled"]
    return []


def _mapping_reasons(mapping: Mapping) -> Iterator[str]:
    if mapping.bisect_batch_on_function_error:
        yield "bisect_batch_on_function_error: LocalStack 4.14 stores it and does not split batches (G-04)"
    if mapping.parallelization_factor > 1:
        yield "parallelization_factor: LocalStack 4.14 stores it and delivers one batch at a time (G-05)"
    if mapping.tumbling_window_in_seconds:
        yield "tumbling_window_in_seconds: LocalStack 4.14 stores it and opens no window (G-05)"


def _table_reasons(mapping: Mapping) -> Iterator[str]:
    """Limits for the stream of a table, which a data stream does not have."""
    if mapping.maximum_record_age_in_seconds != FOREVER:
        yield "maximum_record_age_in_seconds: on LocalStack 4.14 no DynamoDB record ages (G-06)"
    if mapping.batch_size > MAX_BATCH_SIZE:
        yield f"batch_size: LocalStack 4.14 delivers nothing above {MAX_BATCH_SIZE} (G-08)"


def _custom_fault_reasons(fault: Fault) -> Iterator[str]:
    if FAULTS.get(fault.NAME) is not type(fault):
        yield f"{fault.NAME}: a fault of your own is not packaged with the function"


def _fault_reasons(fault: Fault) -> Iterator[str]:
    yield from _custom_fault_reasons(fault)
    if any(call == DELIVER for call, _ in fault.PLACES) and fault.call == DELIVER:
        yield f"{fault.NAME}: the platform's own mapping delivers, and nobody can make it deliver again; {INSTEAD}"
    elif fault.process.partition("/")[0] == DISPATCHER:
        yield f"{fault.NAME} at {fault.process}: the platform's own mapping delivers, where no fault reaches; {INSTEAD}"
