"""The embedded platform: the whole pipeline in this process, in virtual time, the same to the byte for a seed.

    task (writer, execution, dispatcher) ─► boto3 ─► wire ─► on the way ─► service ─► on the way back ─► task

A request takes time on its way and on its way back, and is carried out in between, in one step: so writers and
executions interleave at their AWS calls, and a request that is under way when its sender dies still counts (S-110).
What the stack describes is created by AWS calls, before the first writer starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, NoReturn

from botocore.awsrequest import AWSResponse

from harness.agent.actor import Raw
from harness.agent.http import HTTP
from harness.agent.requests import body_of, headers_of
from harness.agent.wire import Wire
from harness.delivery.dispatcher import Dispatcher
from harness.delivery.shards import reader_of
from harness.delivery.sources import SOURCES
from harness.environment.determinism import EPOCH_MICROSECONDS, VirtualClock
from harness.errors import NotImitated
from harness.faults.actions import Disrupt
from harness.faults.nemesis import LocalTickets
from harness.history import MICROSECONDS, Operation, Value
from harness.observer import DeadLetters
from harness.pipeline.node import find_node
from harness.pipeline.resources import REGION, Topic
from harness.pipeline.stack import LEDGER, Stack, is_node
from harness.platforms import clients
from harness.platforms.base import Disruption, Disruptions, Plan, Record, Reply, Request, Service
from harness.platforms.deployed.mappings import EXECUTION_SECONDS, under_way
from harness.platforms.embedded.actors import Actors, WatchedNemesis, confined, owned_chance, owned_pauses
from harness.platforms.embedded.environment import Code, Lockstep
from harness.platforms.embedded.services.dynamodb import DynamoDB
from harness.platforms.embedded.services.functions import Execution, Functions
from harness.platforms.embedded.services.kinesis import Kinesis
from harness.platforms.embedded.services.moto import Moto, Queues, forget
from harness.platforms.embedded.services.streams import Streams
from harness.platforms.embedded.simulation import Flag, Simulation, Stopped
from harness.platforms.endpoints import Accepting, Endpoints

# One way between an actor and AWS, in microseconds: a few milliseconds there and back, as inside a Region.
FASTEST, SLOWEST = 500, 3_000
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
        self._simulation = Simulation(plan.max_steps, self._clock.show)
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
            exits.enter_context(confined(self.writers))
            exits.callback(self._simulation.close)
            exits.callback(forget)
            self._start_services(urls, wire)
            exits.callback(self._functions.close)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()

    @property
    def applied(self) -> Sequence[tuple[str, bytes]]:
        return self._endpoints.applied

    def _start_services(self, urls: Mapping[str, str], wire: Wire) -> None:
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
        lockstep = Lockstep(self._simulation, wire, self.writers)
        code = Code(
            folders=self._plan.folders,
            handler=stack.function.handler,
            services=sorted(self._services.keys() - {HTTP, "dynamodbstreams"}),
            endpoints=[*urls.values()],
            memory=stack.function.memory,
            spin_seconds=self._plan.spin_seconds,
            node=find_node() if is_node(stack.function.runtime) else "",
            sources=[stack.function.root.resolve(), self._plan.folders[0]],
        )
        self._functions = Functions(stack.function, code, self._simulation, self.writers, lockstep, urls)

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
        sent = Request(service, operation, request.method, request.url, headers_of(request), body_of(request))
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
                raise NotImitated(f"{error}{task.place()}") from error

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
        if request.service not in self._services and self._plan.stack.sends_elsewhere:
            applied = self._endpoints.applied
            self._services[request.service] = Accepting(request.service, self.seed, self.now, applied)
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

    def _arrival(self, shard_id: str) -> Flag:
        return self._arrivals.setdefault(shard_id, self.event())


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


POLL_SECONDS = 0.01  # between two looks for an execution that can be killed


class ImitatedDisruptions(Disruptions):
    """`make_dispatcher` gives a new mapping; `operations` is the history so far."""

    def __init__(
        self,
        simulation: Simulation,
        functions: Functions,
        make_dispatcher: Callable[[], Dispatcher],
        operations: Iterable[Operation],
        record: Record,
    ) -> None:
        super().__init__(self._table(), record)
        self._simulation = simulation
        self._functions = functions
        self._make_dispatcher = make_dispatcher
        self._operations = operations
        self._dispatcher = make_dispatcher()

    def start(self) -> None:
        self._dispatcher.start(first=True)

    def disrupt(self, action: Disrupt) -> None:
        """Begins the disruption in the task of the writer that reached it, and ends it when its time is over."""
        if self.begin(action) and action.seconds is not None:
            self._simulation.at(round(action.seconds * MICROSECONDS), lambda: self.end(action))

    def _table(self) -> dict[str, Disruption]:
        return {
            "recreate_mapping": Disruption(lambda action: self._dispatcher.stop(), self._recreate),
            "disable_mapping": Disruption(lambda action: self._dispatcher.disable(), lambda: self._dispatcher.enable()),
            "throttle_function": Disruption(lambda action: self._throttle(True), lambda: self._throttle(False)),
            "kill_function": Disruption(self._kill_function),
        }

    def _recreate(self) -> None:
        self._dispatcher = self._make_dispatcher()
        self._dispatcher.start()

    def _throttle(self, on: bool) -> None:
        self._functions.throttled = on

    def _kill_function(self, action: Disrupt) -> Value:
        deadline = self._simulation.now + round(EXECUTION_SECONDS * MICROSECONDS)
        while self._simulation.now < deadline:
            for execution in under_way(map(asdict, self._operations), str(action.setting)):
                self._functions.kill(int(execution["process"].partition("/")[2]))
                return {"process": execution["process"]}
            self._simulation.sleep(POLL_SECONDS)
        raise TimeoutError(f"no execution that has {action.setting} was under way in {EXECUTION_SECONDS:g} s")
