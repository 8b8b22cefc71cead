"""The remote platforms: a stack at an endpoint, real processes, real time. The last class is AWS.

Faults act at the same points as on the embedded platform: at writers in this process, and at the function in its own
process, through the agent in its package. Both claim tickets in the run's control table, which also holds the
function's history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from harness.agent.control import PLAN, Control, ControlTickets
from harness.agent.process import FunctionPlan
from harness.agent.wire import Wire
from harness.delivery.shards import reader_of
from harness.errors import PlatformLost
from harness.faults.actions import Disrupt
from harness.faults.nemesis import Nemesis
from harness.faults.platform import PlatformFault
from harness.history import Value
from harness.observer import NOT_FOUND_CODES, DeadLetters
from harness.pipeline.resources import BY_HARNESS, LATEST, TRIM_HORIZON
from harness.platforms import clients
from harness.platforms.base import UNREACHABLE, Disruption, DisruptionQueue, Disruptions, Plan
from harness.platforms.deployed import cloudformation, run_stack
from harness.platforms.deployed.cloudformation import run_tags
from harness.platforms.deployed.mappings import FunctionHistory, HarnessMapping, PlatformMapping, Records
from harness.platforms.deployed.threads import ThreadHost, Threads
from harness.platforms.endpoints import Endpoints, serving
from harness.waiting import held_back, until_nothing

_MARGIN_SECONDS = 60  # what a call may take beyond the function's timeout
# What a platform gives no answer with, in a call or in what was waited for; ClientError is an answer.
_UNANSWERED = (BotoCoreError, TimeoutError)


class Deployed:
    """One pipeline while the context lasts; its stack is gone afterwards, however the run ended."""

    timestamp_seconds: ClassVar[int]
    # A scenario's limits are meant for virtual time; hours of real time would be too long.
    max_rest_seconds: ClassVar[float] = 30.0
    arrival_seconds: ClassVar[int] = 1
    change_seconds: ClassVar[float] = 120.0  # how long a stack, or its mapping, may take to change
    quiet_seconds: ClassVar[float] = 5.0  # a hundred polls of a mapping on LocalStack as `harness up` sets it

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began = time.time_ns() // 1000
        self._control = Control(self.client("dynamodb"), run_stack.control_of(plan.stack.name))
        self.tickets = ControlTickets(self._control, plan.faults)
        self.nemesis = Nemesis(plan.faults, plan.seed, self.record, self.tickets)
        self.writers = Threads(plan.history, self.nemesis, self.time, self.disrupt)
        self._sinks = plan.stack.sinks
        self._endpoints = Endpoints(plan.stack.endpoints)
        self._urls: dict[str, str] = {}
        self._function_history = FunctionHistory(self._control, plan.history, self.time)
        self.dead_letters = DeadLetters(self.client, plan.stack)
        self._mapping = self._mapping_of_run()
        self._disruption_queue = DisruptionQueue(Disruptions(self.can(), self.record))
        self.source = reader_of(self.client, plan.stack.source)
        self._unprocessed: Records = []
        self._exits = ExitStack()
        self._failure: BaseException | None = None

    @property
    def session(self) -> boto3.Session | None:
        """The session with the user's credentials; None where dummy credentials are enough."""
        return None

    def client(self, service: str) -> Any:
        return clients.harness_client(service, endpoint=self._plan.target.endpoint, session=self.session)

    def caller(self, service: str) -> Any:
        """A client for the dispatcher: its SDK does not retry, and it waits as long as an execution may take."""
        return clients.harness_client(
            service,
            max_attempts=1,
            endpoint=self._plan.target.endpoint,
            read_timeout=self._plan.stack.function.timeout + _MARGIN_SECONDS,
            session=self.session,
        )

    def writer_client(self, retry_mode: str | None, max_attempts: int | None) -> Any:
        service, endpoint = self._plan.stack.source.service, self._plan.target.endpoint
        return clients.client(service, retry_mode, max_attempts, endpoint, session=self.session)

    def can(self) -> dict[str, Disruption]:
        """The disruptions that this platform can carry out, by the names of their faults."""
        return {
            "recreate_mapping": Disruption(self._mapping.remove, self._mapping.create),
            "disable_mapping": Disruption(self._mapping.disable, self._mapping.enable),
            "throttle_function": Disruption(self._throttle, self._unthrottle),
        }

    @property
    def applied(self) -> Sequence[tuple[str, bytes]]:
        return self._endpoints.applied

    def __enter__(self) -> Self:
        if self._plan.stack.endpoints:
            server = self._exits.enter_context(serving(self._endpoints))
            self._urls = {endpoint.variable: endpoint.url(server) for endpoint in self._plan.stack.endpoints}
            self._sinks |= set(self._urls.values())
        wire = Wire(self.writers, self._sinks, self._plan.stack.attribute_names)
        self._exits.enter_context(clients.hooked(wire, {}, self.session))
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raises PlatformLost where the platform failed the run, or its cleaning up, which is not waited for then."""
        if isinstance(error, (ClientError, *_UNANSWERED)):
            self._failure = error
        with held_back():
            self._exits.close()
        if self._failure and error in (None, self._failure):
            raise PlatformLost(self._lost()) from self._failure

    def _remove(self, remove: Callable[..., object], *arguments: object) -> None:
        """Removes a part of what the run made. Where nothing answers, no further call is made: each would wait."""
        if not isinstance(self._failure, _UNANSWERED):
            try:
                remove(*arguments)
            except (ClientError, *_UNANSWERED) as error:
                self._failure = error

    def _lost(self) -> str:
        what = f"{self._plan.target} failed: {type(self._failure).__name__}: {self._failure}"
        return f"{what}. If it answers again, `python -m harness down --stacks` removes what the run left there"

    def time(self) -> int:
        return time.time_ns() // 1000 - self._began

    def record(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None:
        self._plan.history.append(self.time(), process, type, f, value, error)

    def deploy(self) -> None:
        stack, s3, stacks = self._plan.stack, self.client("s3"), self.client("cloudformation")
        bucket = run_stack.bucket_of(stack.name)
        packages = run_stack.packages(stack)
        request = run_stack.request(stack, self._control.table, bucket, self._urls)
        # The stack takes longest, to create and to delete: it is started first, and waited for last.
        self._exits.callback(self._remove, cloudformation.wait, stacks, stack.name, self.change_seconds)
        self._exits.callback(self._remove, self._control.delete)
        self._exits.callback(self._remove, cloudformation.remove_packages, s3, bucket)
        self._exits.callback(self._remove, cloudformation.begin_to_delete, stacks, s3, stack.name, self.change_seconds)
        with held_back():
            cloudformation.upload_packages(s3, packages, bucket, run_tags())
            stacks.create_stack(**request.arguments())
            self._control.create(run_tags())
        self._control.put(PLAN, self._function_plan().to_json())
        cloudformation.until_created(stacks, request, self.change_seconds)
        self._exits.callback(self._remove, self.dead_letters.release)
        self._exits.callback(self._remove, self._mapping.stop)
        self._exits.callback(self._disruption_queue.heal)
        self._mapping.start()

    def rest(self, seconds: float) -> str:
        """Waits until the function's history or the on-failure queue shows that all records are done."""
        bound = min(seconds, self.max_rest_seconds)
        waits_for = until_nothing(self._waiting, bound)
        if UNREACHABLE.isdisjoint(self._disruption_queue.carry_out()):
            if waits_for:
                self.require_answer()
            self._function_history.merge()
        return f"after {bound:g} s of real time, {waits_for}" if waits_for else ""

    def require_answer(self) -> None:
        """Raises TimeoutError where the platform is seen to be gone. A call would wait longer to say so."""

    def heal(self) -> None:
        self._disruption_queue.heal()
        self.tickets.heal()

    def disrupt(self, action: Disrupt) -> None:
        self._disruption_queue.request(action)

    def bound(self, seconds: float) -> float:
        return min(seconds, self.max_rest_seconds)

    def _waiting(self) -> str:
        """What the run still waits for, in words; "" for nothing."""
        in_force = self._disruption_queue.carry_out()
        if self.writers.busy("writer"):
            return "a writer was still at work"
        if UNREACHABLE.intersection(in_force):
            # A killed platform comes back only when the faults heal: there is nothing to wait for.
            return "" if in_force == ["kill_platform"] else f"{in_force[0]} was in force"
        if in_force:
            return f"{in_force[0]} was in force"
        try:
            waits_for, self._unprocessed = self._mapping.waiting(self._unprocessed)
            # New records need not be read before these are done, unless LATEST may have missed some of these.
            if self._unprocessed and self._plan.stack.mapping.starting_position != LATEST:
                return waits_for
            new = self.source.new_records()
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_FOUND_CODES:
                raise
            return ""  # the platform has lost the stream: nothing more will happen
        self._unprocessed += new
        if new:
            return f"{len(new)} records had only just come"
        return waits_for or self._function_history.about_to_end()

    def _function_plan(self) -> FunctionPlan:
        plan = self._plan
        # Where executions may be killed, or records missed, each operation is written at once.
        at_once = plan.stack.mapping.starting_position != TRIM_HORIZON or any(
            isinstance(fault, PlatformFault) for fault in plan.faults
        )
        return FunctionPlan(
            tuple(plan.faults),
            plan.seed.value,
            self._began,
            plan.stack.function.timeout,
            self._sinks,
            at_once,
            plan.stack.attribute_names,
        )

    def _throttle(self, action: object) -> None:
        name = self._plan.stack.function.name
        self.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def _unthrottle(self) -> None:
        self.client("lambda").delete_function_concurrency(FunctionName=self._plan.stack.function.name)

    def _mapping_of_run(self) -> PlatformMapping | HarnessMapping:
        plan = self._plan
        if plan.stack.mapping.by != BY_HARNESS:
            return PlatformMapping(
                self.client,
                plan.stack,
                self._function_history,
                self.dead_letters,
                self.record,
                self.quiet_seconds,
                self.change_seconds,
            )
        host = ThreadHost(self.writers, plan.history, self.nemesis, plan.seed, self.caller, self.timestamp_seconds)
        return HarnessMapping(host, self.client, plan.stack, plan.history, self.quiet_seconds)


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
