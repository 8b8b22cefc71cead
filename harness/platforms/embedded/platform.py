"""The embedded platform: the whole pipeline in this process, in virtual time, the same to the byte for a seed.

    task (writer, execution, dispatcher) ─► boto3 ─► wire ─► on the way ─► service ─► on the way back ─► task

A request takes time on its way and on its way back, and is carried out in between, in one step: so writers and
executions interleave at their AWS calls, and a request that is under way when its sender dies still counts (S-110).
What the stack describes is created by AWS calls, before the first writer starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NoReturn

from botocore.awsrequest import AWSResponse

from harness.agent.actor import Raw
from harness.agent.http import HTTP, lines
from harness.agent.requests import body_of, is_chunked
from harness.agent.wire import Wire
from harness.delivery.dispatcher import Dispatcher
from harness.delivery.shards import reader_of
from harness.delivery.sources import SOURCES
from harness.errors import NotImitated
from harness.faults.actions import Disrupt
from harness.faults.nemesis import LocalTickets
from harness.history import Value
from harness.observer import DeadLetters
from harness.pipeline.resources import REGION, Topic
from harness.pipeline.stack import LEDGER, Stack
from harness.platforms import clients
from harness.platforms.base import Plan, Reply, Request, Service
from harness.platforms.embedded.actors import Actors, WatchedNemesis
from harness.platforms.embedded.disruptions import ImitatedDisruptions
from harness.platforms.embedded.environment import Code, Surroundings
from harness.platforms.embedded.isolation import (
    VirtualClock,
    confined,
    owned_chance,
    owned_logging,
    owned_pauses,
    owned_pools,
    owned_waits,
    spinning_ends,
)
from harness.platforms.embedded.services.dynamodb import DynamoDB
from harness.platforms.embedded.services.functions import Execution, Functions
from harness.platforms.embedded.services.kinesis import Kinesis
from harness.platforms.embedded.services.moto import Moto, Queues, forget
from harness.platforms.embedded.services.streams import Streams
from harness.platforms.embedded.simulation import EPOCH_MICROSECONDS, Flag, Simulation, Stopped, Task
from harness.platforms.endpoints import Endpoints

# One way between an actor and AWS, in microseconds: a few milliseconds there and back, as inside a Region.
FASTEST, SLOWEST = 500, 3_000
_OF_CHUNKS = frozenset(
    {
        *("content-encoding", "transfer-encoding", "x-amz-trailer"),
        *("x-amz-content-sha256", "x-amz-decoded-content-length"),
    }
)
# The writers and the harness itself otherwise see what its shell has.
_WRITERS_VARIABLES = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "no_proxy": "*"}
_SERVER = "http://endpoints.harness.invalid"
_OBJECT_OPERATIONS = frozenset(
    {"CreateBucket", "PutObject", "GetObject", "HeadObject", "DeleteObject", "ListObjectsV2"}
)
_TOPIC_OPERATIONS = frozenset({"CreateTopic", "Subscribe", "Publish", "PublishBatch"})


class Embedded:
    """One pipeline while the context lasts. It is the dispatcher's host too: here the dispatcher is the mapping."""

    name = "embedded"
    timestamp_seconds = 1
    arrival_seconds = 0

    def __init__(self, plan: Plan) -> None:
        self.seed = plan.seed
        self._plan = plan
        self._clock = VirtualClock(self.sleep)
        self._code = Code(plan.code, plan.stack.function.handler)
        self._surroundings = Surroundings()
        self._simulation = Simulation(plan.max_steps, self._clock.show, self._enter)
        self.tickets = LocalTickets(len(plan.faults))
        self.nemesis = WatchedNemesis(self._simulation, plan.faults, plan.seed, self.record, self.tickets)
        self.decide = self.nemesis.decide
        self.writers = Actors(self, self._simulation, self.nemesis, plan)
        self._endpoints = Endpoints(plan.stack.endpoints)
        self._arrivals: dict[str, Flag] = {}
        self._exits = ExitStack()
        self.source = reader_of(self.client, plan.stack.source)
        self.dead_letters = DeadLetters(self.client, plan.stack)

    def __enter__(self) -> Embedded:
        stack = self._plan.stack
        with ExitStack() as exits:
            exits.enter_context(owned_chance(lambda: self.writers.current.random))
            exits.enter_context(self._clock)
            exits.enter_context(owned_pauses())
            urls = {endpoint.variable: endpoint.url(_SERVER) for endpoint in stack.endpoints}
            wire = Wire(self.writers, stack.sinks | set(urls.values()), stack.attribute_names)
            exits.enter_context(clients.hooked(wire, _WRITERS_VARIABLES))
            exits.enter_context(lines(wire, urls.values()))
            exits.enter_context(self._code)
            exits.enter_context(self._surroundings)
            exits.enter_context(confined(self.writers, self._code.place_of))
            exits.enter_context(owned_pools(self.writers))
            exits.enter_context(owned_waits(self.writers))
            exits.enter_context(owned_logging())
            exits.enter_context(spinning_ends(self._simulation, self._code.place_of))
            exits.callback(self._simulation.close)
            exits.callback(forget)
            self._start_services(urls)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()

    @property
    def applied(self) -> Sequence[tuple[str, bytes]]:
        return self._endpoints.applied

    def _start_services(self, urls: Mapping[str, str]) -> None:
        stack = self._plan.stack
        streams = Streams(self.now, self.seed, self._plan.shards, lambda arn, shard: self._arrival(shard).set())
        self._services: dict[str, Service] = {
            "dynamodb": DynamoDB(self.now, self.seed, streams, self._simulation.at),
            "dynamodbstreams": streams,
            "sqs": Queues(self.now, self.seed),
            HTTP: self._endpoints,
        }
        if stack.buckets:  # moto takes long to import a service
            self._services["s3"] = Moto("s3", _OBJECT_OPERATIONS, self.seed)
        if stack.data_streams:
            self._services["kinesis"] = Kinesis(self.now, self.seed, lambda shard: self._arrival(shard).set())
        if stack.topics:
            self._services["sns"] = Moto("sns", _TOPIC_OPERATIONS, self.seed)
        self._functions = Functions(stack.function, self._code, self._simulation, self.writers, urls)

    def deploy(self) -> None:
        stack, history = self._plan.stack, self._plan.history
        stream_arn = provision(self.client, stack)

        def make_dispatcher() -> Dispatcher:
            return Dispatcher(self, stack.mapping, stream_arn, stack.function.arn, stack.function.role_arn)

        self._disruptions = ImitatedDisruptions(
            self._simulation, self._functions, make_dispatcher, history, self.record
        )
        self._disruptions.start()

    def heal(self) -> None:
        self.tickets.heal()
        self._disruptions.heal()

    def bound(self, seconds: float) -> float:
        return seconds

    def rest(self, seconds: float) -> str:
        try:
            return "" if self._simulation.run(seconds) else "something was still to happen"
        except Stopped as stopped:
            return str(stopped)

    # Where requests go.

    def send(self, service: str, operation: str, request: Any) -> AWSResponse:
        """Carries out a request of the current actor after its way there, and answers after the way back.

        A request of the harness itself takes no time.
        """
        sent = Request(service, operation, request.method, request.url, _headers(request), body_of(request))
        if self._simulation.current is None:
            return _response(request, self._serve(sent))
        call = f"{service}.{operation}"
        actor = self.writers.current
        actor.sent[call] += 1
        key = ("latency", actor.key, call, actor.sent[call])
        replies: list[Reply] = []
        arrived = self._simulation.event()

        def answer(reply: Reply) -> None:
            replies.append(reply)
            self._simulation.at(self.seed.between(FASTEST, SLOWEST, *key, "back"), arrived.set)

        task = self._simulation.current

        def arrive() -> None:
            try:
                self._accept(sent, answer)
            except NotImitated as error:
                raise NotImitated(f"{error}{self._code.place_of(task.greenlet.gr_frame)}") from error

        self._simulation.at(self.seed.between(FASTEST, SLOWEST, *key, "there"), arrive)
        arrived.wait()
        return _response(request, replies[0])

    def crash(self, execution: Execution, why: str) -> NoReturn:
        self._functions.crash(execution, why)

    def disrupt(self, action: Disrupt) -> None:
        self._disruptions.disrupt(action)

    def _accept(self, request: Request, answer: Callable[[Reply], None]) -> None:
        if request.service == "lambda":
            self._functions.invoke(request, answer)
        else:
            answer(self._serve(request))

    def _serve(self, request: Request) -> Reply:
        if request.service not in self._services:
            imitated = ", ".join(sorted((*self._services, "lambda")))
            call = f"{request.service}.{request.operation}"
            raise NotImitated(f"{call} is not imitated by the embedded platform. Known services: {imitated}")
        return self._services[request.service].handle(request)

    # The dispatcher's host.

    def now(self) -> int:
        return EPOCH_MICROSECONDS + self._simulation.now

    def time(self) -> int:
        return self._simulation.now

    def spawn(self, process: str, body: Callable[[], None]) -> None:
        self.writers.start(process, body)

    def sleep(self, seconds: float) -> None:
        self._simulation.sleep(seconds)

    def event(self) -> Flag:
        return self._simulation.event()

    def wait_for_records(self, shard_id: str, timeout: float | None) -> None:
        arrival = self._arrival(shard_id)
        arrival.wait(timeout)
        arrival.clear()

    def client(self, service: str) -> Any:
        # The mapping waits as long as an execution may take, where botocore gives up after a minute.
        return clients.harness_client(service, max_attempts=1, read_timeout=self._plan.stack.function.timeout + 60)

    def writer_client(self, retry_mode: str | None, max_attempts: int | None) -> Any:
        return clients.client(self._plan.stack.source.service, retry_mode, max_attempts)

    def record(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None:
        self._simulation.end_the_dead()
        self._plan.history.append(self.time(), process, type, f, value, error)

    def _enter(self, task: Task | None) -> None:
        execution = task.context.execution if task else None
        self._surroundings.show(execution.environment if execution else None)
        if execution and execution.environment.handler:
            self._code.activate(execution.environment)

    def _arrival(self, shard_id: str) -> Flag:
        return self._arrivals.setdefault(shard_id, self.event())


def _headers(request: Any) -> dict[str, str]:
    """The headers, without those of a chunked body: the chunks have been joined."""
    left_out: frozenset[str] = _OF_CHUNKS if is_chunked(request) else frozenset()
    return {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
        if name.lower() not in left_out
    }


def _response(request: Any, reply: Reply) -> AWSResponse:
    return AWSResponse(request.url, reply.status, reply.headers, Raw(reply.body))


def provision(client: Callable[[str], Any], stack: Stack) -> str:
    """Creates the stack's tables, streams, queues, buckets and topics. Returns the ARN of the source's stream."""
    for table in stack.tables:
        client("dynamodb").create_table(**table.create_parameters())
    if stack.time_to_live:  # what expires in other tables stays there for as long as a run lasts (S-52)
        ends = {"Enabled": True, "AttributeName": stack.time_to_live}
        client("dynamodb").update_time_to_live(TableName=stack.source.name, TimeToLiveSpecification=ends)
    for stream in stack.data_streams:
        client("kinesis").create_stream(**stream.create_parameters())
    for queue in stack.queues:
        client("sqs").create_queue(**queue.create_parameters())
    for bucket in stack.buckets:
        client("s3").create_bucket(Bucket=bucket.name)
    for topic in stack.topics:
        client("sns").create_topic(Name=topic.name)
    for topic in stack.of(Topic, LEDGER):
        client("sqs").create_queue(**topic.inbox.create_parameters())
        # Raw delivery: moto's envelope carries random fields.
        raw = {"RawMessageDelivery": "true"}
        client("sns").subscribe(TopicArn=topic.arn, Protocol="sqs", Endpoint=topic.inbox.arn, Attributes=raw)
    return SOURCES[stack.source.service].stream_arn(client, stack.source.name)
