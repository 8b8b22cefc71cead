"""Sinks that are no tables: what lands in them is read back, and faults aim at the calls that land there."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from pipelines import measure
from play import ROOT, fired, found, handler_file, operations, play
from single_faults import IN_THE_FUNCTION, IN_THE_MAPPING, IN_THE_WRITERS

from harness.api import RunOutcome
from harness.errors import NotImitated
from harness.history import FAIL, INFO

SINKS = ROOT / "lambda" / "sinks"
CRASH = {"crash": {"call": "effect", "when": "after", "nth": 2}}
LOST_REPLY = {"lose_reply": {"process": "function", "call": "effect", "nth": 2}}
# The second delivery comes after FIFO queues have forgotten the first one's message.
MUCH_LATER = {"redeliver": {"nth": 2, "seconds": 301}}
DUPLICATED = {("duplicated", "function")}


def sink(runs: Path, handler: str, faults: Any = (), **more: Any) -> RunOutcome:
    pipeline = {"template": str(SINKS / "template.yaml"), **more.pop("pipeline", {})}
    mapping = more.pop("mapping", {"batch_size": 1})
    return play(runs, SINKS / f"{handler}.py", faults, mapping=mapping, pipeline=pipeline, **more)


def landed(outcome: RunOutcome) -> list[tuple[str, str, str]]:
    return [tuple(op.value[name] for name in ("sink", "intent", "item")) for op in operations(outcome, "effect")]


HANDLERS = {
    "standard_queue": "Queue",
    "fifo_queue": "FifoQueue",
    "topic": "Topic",
    "bucket": "Bucket",
    "bucket_fresh_key": "Bucket",
    "webhook": "WEBHOOK_URL",
    "webhook_with_key": "WEBHOOK_URL",
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_landed_is_read_back(handler: str, tmp_path: Path) -> None:
    """Each effect with the sink, its intent and its item, once; and every call that made one is marked as an effect."""
    outcome = sink(tmp_path, handler)
    assert outcome.verdict == "valid", outcome
    intents = [op.value["intent"] for op in operations(outcome, "record")]
    assert sorted(landed(outcome)) == sorted((HANDLERS[handler], each, each.partition("/")[0]) for each in intents)
    calls = [op for op in outcome.history if op.role == "function" and "." in op.f]
    assert {op.value["effect"] for op in calls} == {True}
    assert {intent for op in calls for intent in op.value["intents"]} == set(intents)


@pytest.mark.parametrize("fault", [CRASH, LOST_REPLY], ids=["crash", "lose_reply"])
@pytest.mark.parametrize("handler", ["standard_queue", "topic"])
def test_a_standard_queue_or_topic_keeps_what_is_sent_again(handler: str, fault: Any, tmp_path: Path) -> None:
    """Two messages for one intent, whoever repeated it: the mapping or the SDK (S-120)."""
    outcome = sink(tmp_path, handler, [fault])
    assert (found(outcome), outcome.counts["duplicated"], fired(outcome)) == (DUPLICATED, 1, [1]), outcome


@pytest.mark.parametrize("fault", [CRASH, LOST_REPLY], ids=["crash", "lose_reply"])
def test_a_fifo_queue_drops_what_is_sent_again(fault: Any, tmp_path: Path) -> None:
    """Within five minutes, whoever repeated it (P-11)."""
    outcome = sink(tmp_path, "fifo_queue", [fault])
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome


def test_a_fifo_queue_forgets_after_five_minutes(tmp_path: Path) -> None:
    """In the run's time: the record comes again 301 seconds later, and its message is there twice (P-11)."""
    outcome = sink(tmp_path, "fifo_queue", [MUCH_LATER])
    assert (found(outcome), outcome.counts["duplicated"], fired(outcome)) == (DUPLICATED, 1, [1]), outcome


@pytest.mark.parametrize("fault", [CRASH, LOST_REPLY, MUCH_LATER], ids=["crash", "lose_reply", "redeliver"])
def test_a_conditional_put_leaves_one_object(fault: Any, tmp_path: Path) -> None:
    """Whoever repeats it, and whenever: the repetition fails, after a lost reply on its own object (P-10)."""
    outcome = sink(tmp_path, "bucket", [fault])
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
    assert [op.error for op in operations(outcome, "s3.PutObject", FAIL)] == ["PreconditionFailed"]


def test_an_object_under_a_fresh_key_is_another_one(tmp_path: Path) -> None:
    """What the handler makes again is there twice; what the SDK repeats has the same key, and is not."""
    crashed, repeated = (sink(tmp_path, "bucket_fresh_key", [fault]) for fault in (CRASH, LOST_REPLY))
    assert (found(crashed), crashed.counts["duplicated"]) == (DUPLICATED, 1), crashed
    assert repeated.verdict == "valid", repeated


@pytest.mark.parametrize("handler", [handler for handler in HANDLERS if "webhook" not in handler])
def test_a_refused_effect_is_tried_again(handler: str, tmp_path: Path) -> None:
    """The refusal is an error as that service writes it, so the SDK knows it and sends the request once more."""
    refused = {"refuse": {"process": "function", "call": "effect", "code": "ServiceUnavailable", "nth": 2}}
    outcome = sink(tmp_path, handler, [refused])
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
    calls = [op for op in outcome.history if op.role == "function" and "." in op.f]
    assert [op.error for op in calls if op.type == INFO] == ["ServiceUnavailable"]
    assert max(op.value["attempt"] for op in calls) == 2


@pytest.mark.parametrize("fault", [CRASH, LOST_REPLY, MUCH_LATER], ids=["crash", "lose_reply", "redeliver"])
def test_an_endpoint_knows_a_request_by_its_key(fault: Any, tmp_path: Path) -> None:
    """Posted again without a key it is applied again, with one it is not (P-15): in virtual time, without a socket."""
    plain, keyed = (sink(tmp_path, handler, [fault]) for handler in ("webhook", "webhook_with_key"))
    assert (found(plain), plain.counts["duplicated"], fired(plain)) == (DUPLICATED, 1, [1]), plain
    assert (keyed.verdict, fired(keyed)) == ("valid", [1]), keyed


def test_an_endpoint_can_ignore_the_key(tmp_path: Path) -> None:
    """The template says which kind it is, here by a parameter; the handler that sends the key is then no better than
    the other (P-15)."""
    ignoring = {"parameters": {"IdempotencyKey": "ignored"}}
    outcome = sink(tmp_path, "webhook_with_key", [CRASH], pipeline=ignoring)
    assert (found(outcome), outcome.counts["duplicated"]) == (DUPLICATED, 1), outcome


ERRORS = {
    "lose_request": "ConnectionResetError",
    "lose_reply": "TimeoutError",
    "refuse": "HTTPError: HTTP Error 400: Error",
}


@pytest.mark.parametrize("fault", ERRORS)
def test_a_handler_sees_a_broken_request_as_from_a_real_server(fault: str, tmp_path: Path) -> None:
    """With the exceptions of urllib: it raises, and its record comes again."""
    outcome = sink(tmp_path, "webhook_with_key", [{fault: {"process": "function", "call": "http.POST", "nth": 2}}])
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
    (error,) = [str(op.error) for op in operations(outcome, "execute", FAIL)]
    assert error.startswith(ERRORS[fault])


def test_a_request_takes_as_long_as_a_fault_says(tmp_path: Path) -> None:
    """In the run's time. A reply later than the client waits does not undo the request; without a connection in that
    time there was none."""
    slow = {"process": "function", "call": "effect", "nth": 1}
    outcome = sink(tmp_path, "webhook", [{"delay": {**slow, "seconds": 1.5}}])
    opened, closed = operations(outcome, "http.POST")[:2]
    assert 1_500_000 < closed.time - opened.time < 1_510_000
    assert outcome.verdict == "valid", outcome
    outcome = sink(tmp_path, "webhook", [{"delay": {**slow, "seconds": 2.5, "when": "after"}}])
    assert (found(outcome), outcome.counts["duplicated"]) == (DUPLICATED, 1), outcome
    lines = (SINKS / "post.py").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "urlopen" in text)
    unsent = sink(tmp_path, "webhook", [{"delay": {**slow, "seconds": 2.5}}])
    assert (unsent.verdict, fired(unsent), len(operations(unsent, "execute", FAIL))) == ("valid", [1], 1), unsent
    assert [op.error for op in operations(outcome, "execute", FAIL)] == [f"TimeoutError: timed out at post.py:{line}"]


def test_a_request_to_anybody_else_is_refused(tmp_path: Path) -> None:
    """Nothing leaves the embedded platform unseen."""
    elsewhere = (
        "import urllib.request\n"
        "def handler(event, context):\n    urllib.request.urlopen('http://127.0.0.1:9', timeout=1)\n"
    )
    app = handler_file(tmp_path / "code", elsewhere)
    with pytest.raises(NotImitated, match="only AWS calls and the stack's endpoints"):
        play(tmp_path, app, pipeline={"template": str(SINKS / "template.yaml")})


def test_batches_of_messages_are_effects_each(tmp_path: Path) -> None:
    """One call carries several intents; whoever makes it twice doubles them all, but not in a FIFO queue."""
    body = (
        "import json, os, boto3\n"
        "sqs, sns = boto3.client('sqs'), boto3.client('sns')\n"
        "def handler(event, context):\n"
        "    images = [record['dynamodb']['NewImage'] for record in event['Records']]\n"
        "    told = [json.dumps({'intent': i['intent']['S'], 'item': i['id']['S']}) for i in images]\n"
        "    sns.publish_batch(TopicArn=os.environ['TOPIC_ARN'], PublishBatchRequestEntries=[\n"
        "        {'Id': str(n), 'Message': each} for n, each in enumerate(told)])\n"
        "    for queue, more in (('QUEUE_URL', {}), ('FIFO_QUEUE_URL', {'MessageGroupId': 'g'})):\n"
        "        sqs.send_message_batch(QueueUrl=os.environ[queue], Entries=[\n"
        "            {'Id': str(n), 'MessageBody': each, **more,\n"
        "             **({'MessageDeduplicationId': images[n]['intent']['S']} if more else {})}\n"
        "            for n, each in enumerate(told)])\n"
    )
    app = handler_file(tmp_path / "code", body)
    end = {"crash": {"process": "function", "call": "acknowledge", "when": "before", "nth": 1}}
    outcome = play(tmp_path, app, [end], mapping={"batch_size": 2}, pipeline={"template": str(SINKS / "template.yaml")})
    times = Counter(landed(outcome))
    twice = {intent for (sink, intent, _), count in times.items() if sink == "Topic" and count == 2}
    assert len(twice) == 2
    assert {times["Queue", intent, intent.partition("/")[0]] for intent in twice} == {2}
    assert {count for (sink, _, _), count in times.items() if sink == "FifoQueue"} == {1}
    calls = {op.f for op in outcome.history if op.role == "function" and "." in op.f and op.value["effect"]}
    assert calls == {"sns.PublishBatch", "sqs.SendMessageBatch"}


def test_urllib3_reaches_an_endpoint_too(tmp_path: Path) -> None:
    """And so does what is built on it, such as requests, with the connections that it keeps."""
    body = (
        "import json, os, urllib3\n"
        "pool = urllib3.PoolManager()\n"
        "def handler(event, context):\n"
        "    for record in event['Records']:\n"
        "        image = record['dynamodb']['NewImage']\n"
        "        body = json.dumps({'intent': image['intent']['S'], 'item': image['id']['S']})\n"
        "        assert pool.request('POST', os.environ['WEBHOOK_URL'], body=body).status == 200\n"
    )
    app = handler_file(tmp_path / "code", body)
    outcome = play(tmp_path, app, pipeline={"template": str(SINKS / "template.yaml")})
    assert (outcome.verdict, outcome.counts["effects"]) == ("valid", 10), outcome


# The faults that right handlers survive, with the sink's calls in place of DynamoDB's, and in place of DynamoDB's own
# errors, which no other service answers with, one that all services have.
ONLY_DYNAMODBS = ("conflict", "capacity", "server error")
UNAVAILABLE = {
    "service unavailable": {"refuse": {"process": "function", "call": "effect", "code": "ServiceUnavailable"}}
}
FAULTS = {
    name: {word: {**fields, "call": "effect"} if fields.get("call") == "dynamodb.*" else fields}
    for name, fault in {**IN_THE_FUNCTION, **IN_THE_MAPPING, **IN_THE_WRITERS, **UNAVAILABLE}.items()
    for word, fields in fault.items()
    if name not in ONLY_DYNAMODBS
}
RIGHT = ("fifo_queue", "bucket", "webhook_with_key")


def told_unless_valid(runs: Path, handler: str, name: str) -> str:
    """For another process: the finding of a run that is not valid."""
    ((word, fields),) = FAULTS[name].items()
    reporting = {"batch_size": 2, "report_batch_item_failures": True}
    outcome = sink(runs, handler, [{word: {**fields, "nth": 2}}], mapping=reporting)
    return "" if outcome.verdict == "valid" else f"{name}: {outcome}"


@pytest.mark.parametrize("handler", RIGHT)
def test_a_sink_that_knows_an_effect_again_survives_every_single_fault(
    handler: str, processes: Executor, tmp_path: Path
) -> None:
    """Whatever comes again does so within the five minutes of a FIFO queue."""
    running = [processes.submit(told_unless_valid, tmp_path, handler, name) for name in FAULTS]
    assert [told for future in running if (told := future.result())] == []


def test_a_fifo_queue_keeps_the_order_of_an_item_and_a_standard_one_keeps_none(tmp_path: Path) -> None:
    """So that an order which the function turned round would be found there."""
    orders = {
        handler: [op.value["order"] for op in operations(sink(tmp_path, handler), "effect")]
        for handler in ("fifo_queue", "standard_queue")
    }
    assert orders["fifo_queue"] == list(range(10))
    assert set(orders["standard_queue"]) == {None}


FOLLOWS = """
    def handler(event, context):
        for record in event["Records"]:
            keys, image = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage")
            where = {"Bucket": os.environ["Copies"], "Key": KEY % keys["id"]["S"]}
            if image:
                s3.put_object(**where, Body=json.dumps(CONTENT))
            else:
                s3.delete_object(**where)
"""
COPY = {"Copies": "bucket view"}
AGAIN_LATER = {"redeliver": {"nth": 1, "seconds": 30}}
CONTENTS = {
    "its key": '{"id": keys["id"]["S"], "intent": image["intent"]["S"]}',
    "an item": '{"item": keys["id"]["S"], "intent": image["intent"]["S"]}',
    "nothing": '{"intent": image["intent"]["S"]}',
}


def follows(key: str = "todos/%s.json", named: str = "its key", body: str = FOLLOWS) -> str:
    return body.replace("KEY", repr(key)).replace("CONTENT", CONTENTS[named])


@pytest.mark.parametrize("named", CONTENTS)
@pytest.mark.parametrize("key", ["%s", "todos/%s.json", "%s/latest"])
def test_a_bucket_can_hold_the_latest_state_of_each_item(key: str, named: str, tmp_path: Path) -> None:
    """An object is of the item that it names, or else its key. A later change replaces it, and is no loss."""
    workload = {"intents": 9, "items": 3}
    outcome = measure(tmp_path, follows(key, named), COPY, workload=workload, faults=[{"crash": {"nth": 2}}])
    assert outcome.verdict == "valid", str(outcome)
    states = [op.value for op in outcome.history if op.f == "state" and op.value["resource"] == "Copies"]
    assert [(each["role"], each["item"]) for each in states] == [("view", f"todo-{number}") for number in range(3)]


@pytest.mark.parametrize("beside", [{}, {"Rows": "ledger"}], ids=["alone", "beside a ledger"])
def test_an_object_that_an_older_change_overwrote_is_wrong(beside: dict[str, str], tmp_path: Path) -> None:
    """The first batch is delivered once more, when the others have been."""
    row = 'db.put_item(TableName=os.environ["Rows"], Item={**image, "id": image["intent"]})'
    both = f'            if image and "Rows" in os.environ: {row}\n            if image:\n'
    body = FOLLOWS.replace("            if image:\n", both, 1)
    workload = {"intents": 12, "items": 2, "writers": 1}
    sinks = {**COPY, **beside}
    outcome = measure(tmp_path, follows(body=body), sinks, workload=workload, faults=[AGAIN_LATER], BatchSize=2)
    assert found(outcome) == {("wrong_final_state", "function")}, str(outcome)
    assert {anomaly.subject for anomaly in outcome.anomalies} == {"todo-0", "todo-1"}


def test_objects_that_stay_behind_are_wrong(tmp_path: Path) -> None:
    """Their items are gone; deleted, they leave nothing to complain about."""
    keeps = FOLLOWS.replace("s3.delete_object(**where)", "pass")
    gone = {"writer": "put_then_delete", "intents": 4}
    assert measure(tmp_path, follows(), COPY, workload=gone).verdict == "valid"
    outcome = measure(tmp_path, follows(body=keeps), COPY, workload=gone)
    assert found(outcome) == {("wrong_final_state", "function")}, str(outcome)


def test_an_object_that_was_never_put_is_wrong(tmp_path: Path) -> None:
    """The calls are refused, and the handler goes on."""
    put, indent = "s3.put_object(**where, Body=json.dumps(CONTENT))", "\n                "
    swallows = FOLLOWS.replace(put, f"{indent}try: {put}{indent}except Exception: pass")
    refuse = {"refuse": {"process": "function", "call": "s3.*", "item": "todo-1", "code": "ServiceUnavailable"}}
    outcome = measure(tmp_path, follows(body=swallows), COPY, workload={"intents": 6, "items": 2}, faults=[refuse])
    assert found(outcome) == {("wrong_final_state", "function")}, str(outcome)
    assert [anomaly.subject for anomaly in outcome.anomalies] == ["todo-1"]


def test_objects_that_name_no_intent_are_not_judged(tmp_path: Path) -> None:
    """As rows of a table that is a view."""
    outcome = measure(tmp_path, FOLLOWS.replace("KEY", '"%s"').replace("CONTENT", '{"id": keys["id"]["S"]}'), COPY)
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert "no row of Copies names an intent" in " ".join(outcome.reasons)
