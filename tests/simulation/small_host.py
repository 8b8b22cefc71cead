"""A host for the dispatcher alone: a stream in a list, a function in Python, virtual time. No services, no wire."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from harness.delivery.dispatcher import Dispatcher
from harness.faults.nemesis import LocalTickets, Nemesis
from harness.faults.points import Seed
from harness.history import History
from harness.pipeline.resources import Mapping
from harness.platforms.embedded.simulation import Simulation

EPOCH = 1_900_000_000
STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/Source/stream/label"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:failures"
CALL_SECONDS = 0.005


def refusal(code, status=400):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "call")


class Shard:
    def __init__(self, parent=None):
        self.parent = parent
        self.records = []
        self.closed = False


class SmallHost:
    """`handle(event)` is the function: it returns its answer, or raises; a ClientError is Lambda's own.

    Its clients take 5 ms for each call, so that everything that can happen in between does.
    """

    timestamp_seconds = 1

    def __init__(self, handle=lambda event: None, faults=(), seed=1, iterator_seconds=900):
        self.seed = Seed(seed)
        self.simulation = Simulation(max_steps=200_000)
        self.history = History()
        self.nemesis = Nemesis(faults, self.seed, self.record, LocalTickets(len(faults)))
        self.handle = handle
        self.iterator_seconds = iterator_seconds
        self.shards = {"shard-0": Shard()}
        self.arrivals = {}
        self.messages = []
        self.queue_is_gone = False
        self.sequence = 0
        self.refuse_reads = 0

    def start(self, **mapping):
        self.dispatcher = Dispatcher(self, Mapping(**mapping), STREAM, FUNCTION)
        self.dispatcher.start()
        return self

    def run(self, seconds=200_000):
        """Goes on until nothing is scheduled; says whether it came to that."""
        return self.simulation.run(seconds)

    def put(self, *intents, shard="shard-0"):
        """Appends a record for each intent; what is before its `/` is the item."""
        for intent in intents:
            self.sequence += 1
            change = {
                "ApproximateCreationDateTime": datetime.fromtimestamp(self.now() // 1_000_000, UTC),
                "Keys": {"id": {"S": intent.partition("/")[0]}},
                "NewImage": {"intent": {"S": intent}},
                "SequenceNumber": str(self.sequence),
            }
            self.shards[shard].records.append(
                {"eventID": f"e{self.sequence}", "eventName": "INSERT", "dynamodb": change}
            )
            self._arrival(shard).set()

    def put_at(self, seconds, *intents, shard="shard-0"):
        self.simulation.at(round(seconds * 1_000_000), lambda: self.put(*intents, shard=shard))

    def close(self, shard):
        self.shards[shard].closed = True
        self._arrival(shard).set()

    # What the dispatcher sees.

    def now(self):
        return EPOCH * 1_000_000 + self.simulation.now

    def time(self):
        return self.simulation.now

    def spawn(self, process, body):
        self.simulation.spawn(process, body)

    def sleep(self, seconds):
        self.simulation.sleep(seconds)

    def event(self):
        return self.simulation.event()

    def wait_for_records(self, shard_id, timeout):
        self._arrival(shard_id).wait(timeout)
        self._arrival(shard_id).clear()

    def client(self, service):
        return self

    def record(self, process, type, f, value, error=None):
        self.history.append(self.time(), process, type, f, value, error)

    def decide(self, point):
        return self.nemesis.decide(point)

    # The AWS calls, as boto3 answers them.

    def describe_stream(self, StreamArn):
        self.sleep(CALL_SECONDS)
        shards = [
            {"ShardId": name} | ({"ParentShardId": one.parent} if one.parent else {})
            for name, one in self.shards.items()
        ]
        return {"StreamDescription": {"Shards": shards}}

    def get_shard_iterator(self, StreamArn, ShardId, ShardIteratorType, SequenceNumber="0"):
        self.sleep(CALL_SECONDS)
        records = self.shards[ShardId].records
        after = [one for one in records if int(one["dynamodb"]["SequenceNumber"]) <= int(SequenceNumber)]
        position = len(records) if ShardIteratorType == "LATEST" else len(after)
        return {"ShardIterator": json.dumps([ShardId, position, self.time()])}

    def get_records(self, ShardIterator, Limit):
        self.sleep(CALL_SECONDS)
        name, position, issued = json.loads(ShardIterator)
        if self.refuse_reads:
            self.refuse_reads -= 1
            raise refusal("InternalServerError", 500)
        if self.time() - issued > self.iterator_seconds * 1_000_000:
            raise refusal("ExpiredIteratorException")
        shard = self.shards[name]
        records = shard.records[position : position + Limit]
        position += len(records)
        answer = {"Records": records}
        if not (shard.closed and position == len(shard.records)):
            answer["NextShardIterator"] = json.dumps([name, position, self.time()])
        self.sleep(CALL_SECONDS)
        return answer

    def invoke(self, FunctionName, InvocationType, Payload):
        self.sleep(CALL_SECONDS)
        answer = {"StatusCode": 200, "ResponseMetadata": {"RequestId": f"request-{self.time()}"}}
        try:
            said = self.handle(json.loads(Payload))
        except ArithmeticError as error:
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            answer["FunctionError"] = "Unhandled"
        return answer | {"Payload": io.BytesIO(json.dumps(said).encode())}

    def send_message(self, QueueUrl, MessageBody):
        self.sleep(CALL_SECONDS)
        if self.queue_is_gone:
            raise refusal("AWS.SimpleQueueService.NonExistentQueue")
        self.messages.append(json.loads(MessageBody))

    def _arrival(self, shard_id):
        return self.arrivals.setdefault(shard_id, self.simulation.event())


class Function:
    """Keeps what it got; `fails(intents, nth)` says whether the nth invocation raises."""

    def __init__(self, fails=lambda intents, nth: False, answer=None, seconds=0.0):
        self.got, self.fails, self.answer, self.seconds = [], fails, answer, seconds
        self.host = None

    def __call__(self, event):
        intents = [one["dynamodb"]["NewImage"]["intent"]["S"] for one in event["Records"]]
        self.got.append(intents)
        if self.host and self.seconds:
            self.host.sleep(self.seconds)
        failure = self.fails(intents, len(self.got))
        if isinstance(failure, Exception):
            raise failure
        if failure:
            raise ArithmeticError("planted")
        return self.answer(event) if self.answer else None


def started(function, faults=(), **mapping):
    host = SmallHost(function, faults)
    function.host = host
    return host.start(**mapping)


def operations(host, f, *types):
    return [one for one in host.history if one.f == f and (not types or one.type in types)]


def deliveries(host):
    return [
        (one.process, one.type, one.value["intents"], one.value["outcome"])
        for one in operations(host, "deliver", "ok", "fail", "info")
    ]
