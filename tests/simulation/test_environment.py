"""What surrounds a handler on the embedded platform: Lambda's environment, and no way out of the run."""

from __future__ import annotations

import importlib
import logging
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from play import document, handler_file, operations, play, yaml_file

from harness.environment.determinism import EPOCH
from harness.errors import NotImitated
from harness.history import FAIL, INFO, INVOKE, OK

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
        "assert pooled([1, 2]) == [1, 2] == sorted(order); order.clear()",
        "assert [str(each) for each in pooled([1, 'bad', 2])] == ['1', 'bad', '2']",
        "assert list(ThreadPoolExecutor().map(work, [3, 4])) == [3, 4]",
        "assert asyncio.run(aside()) == [0, 1, 2]",
    ],
)
def test_a_pool_of_threads_is_played(body: str, tmp_path: Path) -> None:
    """Its tasks run beside each other, one at a time, in the run's time."""
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


def test_an_endless_loop_ends_the_run_with_its_line(tmp_path: Path) -> None:
    """It makes no call at which the timeout could come: unknown, with the function and the line."""
    outcome = play(tmp_path, looking(tmp_path, "while True: pass"), limits={"spin": "1s"})
    assert outcome.verdict == "unknown"
    assert re.search(r"function/1 computed for 1 s without any call \(at app\.py:9\)", str(outcome))


def test_a_function_finds_what_it_requires_and_nothing_of_the_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its requirements.txt, and what Lambda's runtime has; what nobody gave it fails to be imported, as there."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    body = "assert greeting_of_tests.GREETING and botocore and not [n for n in ABSENT if find_spec(n)]"
    at_import = """
import botocore, greeting_of_tests
from importlib.util import find_spec
ABSENT = ("click", "greenlet", "moto", "psutil", "pytest", "time_machine", "yaml")
"""
    file = looking(tmp_path, body, at_import)
    with zipfile.ZipFile(file.with_name("greeting_of_tests-1.0-py3-none-any.whl"), "w") as wheel:
        information = "greeting_of_tests-1.0.dist-info"
        wheel.writestr("greeting_of_tests.py", "GREETING = 'hello'\n")
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: greeting_of_tests\nVersion: 1.0\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "greeting_of_tests.py,,\n")
    file.with_name("requirements.txt").write_text("./greeting_of_tests-1.0-py3-none-any.whl\n")
    assert play(tmp_path, file).verdict == "valid"


def test_a_function_may_bring_its_own_boto3(tmp_path: Path) -> None:
    """The version that it pins, not Lambda's: its calls are the run's all the same."""
    body = "import botocore; assert boto3.__version__ == '0.0.own' and 'code' in botocore.__file__"
    file = looking(tmp_path, body)
    for name in ("boto3", "botocore"):
        shutil.copytree(Path(str(importlib.import_module(name).__file__)).parent, file.parent / name)
    version = file.parent / "boto3" / "__init__.py"
    version.write_text(re.sub("(?m)^__version__ = .*", "__version__ = '0.0.own'", version.read_text()))
    assert play(tmp_path, file).verdict == "valid"


@pytest.mark.parametrize(
    "body, words",
    [
        (
            "multiprocessing.get_context('fork').Process(target=print).start()",
            r"another process by os\.fork: .*app\.py:9",
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


def test_what_a_thread_does_after_the_answer_waits_for_the_next_event(tmp_path: Path) -> None:
    """As on Lambda: the environment is frozen when the handler has returned, and goes on with the next event."""
    body = "threading.Timer(0.5, print, ['late']).start(); seen.append(1); assert len(seen) > 1"
    outcome = play(tmp_path, looking(tmp_path, body, "seen = []"), workload={"intents": 1, "items": 1, "writers": 1})
    assert [op.type for op in operations(outcome, "execute")] == [INVOKE, FAIL, INVOKE, OK]
    log = (Path(outcome.result.run_folder) / "function.log").read_text()
    assert [line.split()[1:] for line in log.splitlines()] == [["function/2", "late"]]


def test_a_thread_that_waits_does_not_hold_up_the_command(tmp_path: Path) -> None:
    """Python waits for a thread before it ends, and so `harness run` waited as long as a handler's Timer."""
    file = looking(tmp_path, "threading.Timer(600, print).start()")
    workload = {"intents": 1, "items": 1, "writers": 1}
    scenario = yaml_file(tmp_path / "waits.yaml", document(file, workload=workload))
    command = [sys.executable, "-m", "harness", "run", scenario, "--platform", "embedded", "--runs", tmp_path / "runs"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


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
logging.getLogger().setLevel(logging.INFO)
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


def test_all_clocks_of_a_function_show_the_time_of_its_run(tmp_path: Path) -> None:
    """Wall clocks too, hours later as well: what expires in a handler depends on nothing else."""
    shown = "int(time.time()), int(datetime.datetime.now(datetime.UTC).timestamp()), int(time.monotonic())"
    code = f"import time, datetime\ndef handler(event, context):\n    raise ValueError({shown})\n"
    outcome = play(tmp_path, handler_file(tmp_path / "clocks", code), mapping={"maximum_retry_attempts": 9})
    ends = [op for op in outcome.history if op.f == "execute" and op.error]
    began = int(EPOCH.timestamp())
    told = [list(map(int, re.findall(r"\d+", (op.error or "").partition(" at ")[0]))) for op in ends]
    assert len(told) > 9
    assert told == [[began + op.time // 1_000_000] * 2 + [op.time // 1_000_000] for op in ends]
