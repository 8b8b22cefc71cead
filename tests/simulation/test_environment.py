"""What surrounds a handler on the embedded platform: Lambda's environment, and no way out of the run."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from play import document, handler_file, operations, play, yaml_file

from harness.errors import NotImitated
from harness.history import INFO, INVOKE, OK
from harness.platforms.embedded import isolation

# A handler with an effect for each record; `body` looks around first.
HANDLER = """
import json, multiprocessing, os, socket, subprocess, sys, threading
import boto3

table = boto3.Session().resource("dynamodb").Table(os.environ["EFFECTS_TABLE"])
{at_import}

def handler(event, context):
    {body}
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        intent = image["intent"]["S"]
        table.put_item(Item={{"effect": intent, "intent": intent, "item": image["id"]["S"]}})
"""


def looking(folder: Path, body: str = "pass", at_import: str = "") -> Path:
    return handler_file(folder / "code", HANDLER.format(body=body, at_import=at_import))


@pytest.mark.parametrize(
    "body",
    [
        "assert 'ONLY_IN_MY_SHELL' not in os.environ and os.getenv('HOME') is None",
        "assert os.environ['AWS_ACCESS_KEY_ID'] == boto3.Session().get_credentials().access_key != 'mine'",
        "assert os.environ['LAMBDA_TASK_ROOT'] == os.getcwd() and json.load(open('settings.json')) == {'n': 1}",
        "assert '/[$LATEST]' in context.log_stream_name == os.environ['AWS_LAMBDA_LOG_STREAM_NAME']",
        "assert context.identity.cognito_identity_id is None; context.log('seen')",
        "assert os.environ['AWS_EXECUTION_ENV'].startswith('AWS_Lambda_python') and os.environ['TZ'] == ':UTC'",
        "os.environ['MINE'] = 'x'; os.chdir('/')",
    ],
)
def test_a_handler_finds_what_lambda_gives_it(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables, credentials, folder and context are Lambda's; the shell's are not there, and stay as they were."""
    monkeypatch.setenv("ONLY_IN_MY_SHELL", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    file = looking(tmp_path, body)
    (file.parent / "settings.json").write_text('{"n": 1}')
    before = dict(os.environ), os.getcwd()
    assert play(tmp_path, file).verdict == "valid"
    assert (dict(os.environ), os.getcwd()) == before


def test_what_an_environment_changes_is_its_own(tmp_path: Path) -> None:
    """A variable that a handler sets is there in its next execution, and not in the environment after a crash."""
    body = "assert os.environ.setdefault('BY', context.log_stream_name) == context.log_stream_name"
    crash = {"crash": {"call": "acknowledge", "when": "before", "nth": 2}}
    outcome = play(tmp_path, looking(tmp_path, body), [crash], mapping={"batch_size": 1})
    assert {anomaly.kind for anomaly in outcome.anomalies} <= {"duplicated"}
    assert outcome.counts["effects"] >= outcome.counts["intents"]


ASYNC = """
import asyncio

async def pause(): await asyncio.sleep(2)
async def late():
    try:
        await asyncio.wait_for(asyncio.sleep(600), timeout=1)
    except asyncio.TimeoutError:
        return "late"
async def several(): return await asyncio.gather(pause(), late(), pause())
async def never(): await asyncio.Event().wait()
"""


@pytest.mark.parametrize(
    "body, milliseconds",
    [
        ("asyncio.run(pause())", 2000),
        ("assert asyncio.run(late()) == 'late'", 1000),
        ("assert asyncio.run(several()) == [None, 'late', None]", 2000),
    ],
)
def test_an_event_loop_waits_in_the_runs_time(body: str, milliseconds: int, tmp_path: Path) -> None:
    """`sleep`, `wait_for` and `gather` take as long as they say, and no real time; a redelivery has its own loop."""
    file = looking(tmp_path, f"{body}; time.sleep(0.1)", f"{ASYNC}\nimport time")
    outcome = play(tmp_path, file, [{"redeliver": {"concurrently": True, "nth": 1}}])
    assert outcome.verdict == "valid", outcome
    begun = {op.process: op.time for op in operations(outcome, "execute", INVOKE)}
    ended = {op.process: op.time for op in operations(outcome, "execute", OK)}
    assert all(ended[process] - begun[process] >= milliseconds * 1000 for process in ended)


POOL = """
import asyncio, time
from concurrent.futures import ThreadPoolExecutor, as_completed

order = []
def work(number, pause=0.5):
    time.sleep(pause)
    order.append(number)
    if number == "bad":
        raise ValueError(number)
    return number

async def aside(): return await asyncio.gather(*(asyncio.to_thread(work, number) for number in range(3)))

def pooled(numbers):
    with ThreadPoolExecutor(4) as pool:
        return [future.exception() or future.result() for future in [pool.submit(work, each) for each in numbers]]
"""


@pytest.mark.parametrize(
    "body",
    [
        "assert pooled([1, 2]) == [1, 2] == order; order.clear()",
        "assert [str(each) for each in pooled([1, 'bad', 2])] == ['1', 'bad', '2']",
        "assert list(ThreadPoolExecutor().map(work, [3, 4])) == [3, 4]",
        "assert asyncio.run(aside()) == [0, 1, 2]",
    ],
)
def test_a_pool_of_threads_is_played(body: str, tmp_path: Path) -> None:
    """Its tasks run one after another, in the order in which they were submitted, in the run's time."""
    outcome = play(tmp_path, looking(tmp_path, body, POOL), [{"redeliver": {"nth": 1}}])
    assert outcome.verdict == "valid", outcome


def test_effects_that_a_pool_makes_are_those_of_the_execution(tmp_path: Path) -> None:
    """The common pool of puts: a crash between two of them leaves the first, and the next delivery makes the rest."""
    body = """
import os
from concurrent.futures import ThreadPoolExecutor
import boto3

table = boto3.resource("dynamodb").Table(os.environ["EFFECTS_TABLE"])

def put(record):
    image = record["dynamodb"]["NewImage"]
    intent = image["intent"]["S"]
    table.put_item(Item={"effect": intent, "intent": intent, "item": image["id"]["S"]})

def handler(event, context):
    with ThreadPoolExecutor() as pool:
        list(pool.map(put, event["Records"]))
"""
    crash = {"crash": {"call": "effect", "when": "after", "nth": 2}}
    outcome = play(tmp_path, handler_file(tmp_path / "code", body), [crash])
    assert outcome.verdict == "valid", outcome
    assert operations(outcome, "dynamodb.PutItem", OK, role="function")


def test_a_crash_in_an_event_loop_leaves_none_behind(tmp_path: Path) -> None:
    """The loop of the dead process is gone with it: the next execution runs its own."""
    file = looking(tmp_path, "asyncio.run(pause())", ASYNC)
    crash = {"crash": {"call": "dynamodb.PutItem", "when": "after", "nth": 1}}
    assert play(tmp_path, file, [crash]).verdict == "valid"


def test_what_waits_for_ever_times_out(tmp_path: Path) -> None:
    """An event that nobody sets: the function's timeout comes, in the run's time."""
    mapping = {"maximum_retry_attempts": 0}
    outcome = play(tmp_path, looking(tmp_path, "asyncio.run(never())", ASYNC), mapping=mapping)
    assert {op.error for op in operations(outcome, "execute", INFO)} == {"timed out after 3 s"}


def test_an_endless_loop_ends_the_run_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes no call at which the timeout could come: unknown, with the function and the line."""
    monkeypatch.setattr(isolation, "SPIN_SECONDS", 1)
    outcome = play(tmp_path, looking(tmp_path, "while True: pass"))
    assert outcome.verdict == "unknown"
    assert re.search(r"function/1 computed for 1 s without any call \(at app\.py:9\)", str(outcome))


@pytest.mark.parametrize(
    "body, words",
    [
        ("multiprocessing.get_context('fork').Process(target=print).start()", r"a fork: .*app\.py:9"),
        pytest.param(
            "t = threading.Thread(target=table.load); t.start(); t.join()",
            "in another thread than the handler's: .* LocalStack plays any",
            marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
        ),
        ("socket.getaddrinfo('example.com', 443)", r"a look-up of example\.com.*app\.py:9"),
        ("socket.gethostbyname('example.com')", r"a look-up of example\.com"),
        ("socket.socket().connect(('192.0.2.1', 80))", r"a connection to .*192\.0\.2\.1.*app\.py:9"),
    ],
)
def test_what_leads_out_of_the_run_is_refused_with_its_line(body: str, words: str, tmp_path: Path) -> None:
    """A child process would play the run on; a connection or a look-up would leave this machine."""
    with pytest.raises(NotImitated, match=words):
        play(tmp_path, looking(tmp_path, body))


def test_a_thread_that_outlives_its_run_reaches_nothing(tmp_path: Path) -> None:
    """It would call AWS with the keys of the shell: on Lambda it is frozen when the handler has returned."""
    over = (
        "sys.modules['over_of_tests'] = over = type(sys)('over_of_tests')\nover.gate, over.seen = threading.Event(), []"
    )
    late = r"""
keys = {'aws_access_key_id': 'mine', 'aws_secret_access_key': 'mine'}

def late():
    over.gate.wait(20)
    for call in (
        lambda: boto3.client('sqs', region_name='us-east-1', **keys).list_queues(),
        lambda: os.system('true'),
        lambda: socket.create_connection(('127.0.0.1', 9)),
        lambda: threading.Thread(target=print).start(),
    ):
        try:
            over.seen.append(call())
        except Exception as error:
            over.seen.append(str(error))
"""
    file = looking(tmp_path, "over.thread = threading.Thread(target=late); over.thread.start()", f"{over}\n{late}")
    assert play(tmp_path, file, workload={"intents": 1, "items": 1, "writers": 1}).verdict == "valid"
    over_of_tests: Any = sys.modules.pop("over_of_tests")
    over_of_tests.gate.set()
    over_of_tests.thread.join(20)
    assert len(over_of_tests.seen) == 4
    assert all("in a thread of the function" in str(each) for each in over_of_tests.seen), over_of_tests.seen


def test_a_thread_that_fails_after_its_run_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Lambda it is frozen; here its traceback went to the terminal, below the report."""
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    late = """
sys.modules['late_of_tests'] = over = type(sys)('late_of_tests')
over.gate = threading.Event()

def late():
    over.gate.wait(20)
    socket.create_connection(('127.0.0.1', 9))
"""
    file = looking(tmp_path, "over.thread = threading.Thread(target=late); over.thread.start()", late)
    assert play(tmp_path, file, workload={"intents": 1, "items": 1, "writers": 1}).verdict == "valid"
    late_of_tests: Any = sys.modules.pop("late_of_tests")
    late_of_tests.gate.set()
    late_of_tests.thread.join(20)
    assert not told


def test_a_thread_that_waits_does_not_hold_up_the_command(tmp_path: Path) -> None:
    """Python waits for a thread before it ends, and so `harness run` waited as long as a handler's Timer."""
    file = looking(tmp_path, "threading.Timer(600, print).start()")
    workload = {"intents": 1, "items": 1, "writers": 1}
    scenario = yaml_file(tmp_path / "waits.yaml", document(file, workload=workload))
    command = [sys.executable, "-m", "harness", "run", scenario, "--platform", "embedded", "--runs", tmp_path / "runs"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def test_the_threads_of_others_are_free() -> None:
    """The guard stays when the run is over, and concerns the threads of handlers alone."""
    refused: list[OSError] = []

    def connect() -> None:
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=5)
        except OSError as error:
            refused.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    assert isinstance(refused[0], ConnectionRefusedError)


@pytest.mark.parametrize(
    "put",
    [
        "try: put(intent)\n        except: print('ignored')",
        "try: put(intent)\n        except BaseException: put(intent)",
        "put(intent) if not keep.append(Unit(intent)) else None",
    ],
    ids=["bare except", "except BaseException", "__del__"],
)
@pytest.mark.parametrize("fault", [{"crash": {"when": "before", "nth": 2}}, {"timeout": {"when": "before", "nth": 2}}])
def test_a_killed_process_says_nothing_more(put: str, fault: Any, tmp_path: Path) -> None:
    """Whatever its code does with exceptions or in destructors: no call, no line in the history, no end of its own."""
    body = f"""
import os
import boto3

dynamodb = boto3.client("dynamodb")

class Unit:
    def __init__(self, intent):
        self.intent = intent

    def __del__(self):
        print("deleted")
        dynamodb.list_tables()

def handler(event, context):
    keep = []
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        intent = image["intent"]["S"]
        def put(name):
            row = {{"effect": {{"S": name}}, "intent": {{"S": name}}, "item": image["id"]}}
            dynamodb.put_item(TableName=os.environ["EFFECTS_TABLE"], Item=row)
        {put}
    return {{"statusCode": 200}}
"""
    outcome = play(tmp_path, handler_file(tmp_path / "code", body), [fault], mapping={"batch_size": 2})
    assert outcome.verdict == "valid", outcome


def test_each_run_has_its_own_logging(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two runs in one process whose handler sets up `logging` by itself: each has its lines once, the terminal none."""
    at_import = """
import logging
logging.basicConfig(level=logging.INFO)
own = logging.getLogger("own_of_tests")
own.addHandler(logging.StreamHandler())
"""
    file = looking(tmp_path, "own.info('seen by %s', context.function_name)", at_import)
    before = logging.getLogger().handlers[:]
    for run in ("first", "second"):
        outcome = play(tmp_path / run, file, workload={"intents": 1, "items": 1, "writers": 1})
        log = (Path(outcome.result.run_folder) / "function.log").read_text()
        assert log.count("seen by") == 2, log  # by the root logger, and by the handler's own
    assert "seen by" not in "".join(capfd.readouterr())
    assert (logging.getLogger().handlers, logging.getLogger("own_of_tests").handlers) == (before, [])


def test_a_handler_may_print_where_runs_are_kept_in_a_relative_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command keeps them: the handler's working directory is another one."""
    monkeypatch.chdir(tmp_path)
    outcome = play(
        Path(), looking(tmp_path, "print('seen from', os.getcwd())"), workload={"intents": 1, "items": 1, "writers": 1}
    )
    assert "seen from" in (Path(outcome.result.run_folder) / "function.log").read_text()
    assert not Path(outcome.result.run_folder).is_absolute()
