"""What a handler may try: none ends the harness, none reaches out of its process, none sees a secret of the shell."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from play import handler_file, operations, play

from harness.api import RunOutcome
from harness.errors import NotImitated
from harness.history import FAIL, INFO, OK

# A handler with an effect for each record, which tries something first.
HANDLER = """
import asyncio, builtins, ctypes, gc, multiprocessing, os, pty, signal, socket, subprocess, sys, threading, time
import urllib.request, _socket
import boto3

table = boto3.resource("dynamodb").Table(os.environ["EFFECTS_TABLE"])

def deep(n):
    return deep(n + 1) + 1

def handler(event, context):
    {body}
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        intent = image["intent"]["S"]
        table.put_item(Item={{"effect": intent, "intent": intent, "item": image["id"]["S"]}})
"""

ENDS_ITS_PROCESS = {
    "os._exit(3)": "exit status 3",
    "sys.exit(4)": "exit status 4",
    "raise KeyboardInterrupt": "exit status 1",
    "raise GeneratorExit": "exit status 1",
    "os.abort()": "signal: aborted",
    "os.kill(os.getpid(), signal.SIGKILL)": "signal: killed",
    "signal.raise_signal(signal.SIGTERM)": "signal: terminated",
    "ctypes.string_at(0)": "signal: segmentation fault",
    "ctypes.CDLL(None)._exit(5)": "exit status 5",
    "sys.setrecursionlimit(10**8); ctypes.string_at(1)": "signal: segmentation fault",
    "threading.Thread(target=os._exit, args=(6,)).start(); time.sleep(1)": "exit status 6",
    "os.closerange(3, 4096)": "",
}
FAILS = {
    "deep(0)": "RecursionError",
    "x = bytearray(4 << 30)": "MemoryError",
    "open('app.py', 'w')": "Read-only file system",
    "os.remove(__file__)": "Read-only file system",
    "open('SECRET')": "No such file",
    "open(f'/proc/{os.getppid()}/environ')": "No such file",
    "os.environ['HOME']": "KeyError",
    "sys.stdout.close(); print('lost')": "closed file",
    "import pydantic_core": "No module named",
    "import moto": "No module named",
    "raise SystemError('x' * 10_000_000)": "SystemError",
}
REFUSED = {
    "os.fork()": "os.fork",
    "os.forkpty()": "os.forkpty",
    "pty.spawn(['true'])": "pty.spawn",
    "os.system('true')": "os.system",
    "os.popen('true')": "another process",
    "subprocess.run(['true'])": "another process",
    "os.posix_spawn('/bin/true', ['true'], {})": "os.posix_spawn",
    "os.execv('/bin/true', ['true'])": "os.exec",
    "multiprocessing.get_context('fork').Process(target=print).start()": "os.fork",
    "multiprocessing.get_context('spawn').Process(target=print).start()": "another process",
    "os.kill(os.getppid(), signal.SIGKILL)": "a signal to the process",
    "os.killpg(0, signal.SIGKILL)": "a signal to the process",
    "os.kill(-1, signal.SIGKILL)": "a signal to the process",
    "socket.create_connection(('127.0.0.1', PORT))": "a look-up of 127.0.0.1",
    "socket.socket().connect(('127.0.0.1', PORT))": "a connection to",
    "socket.socket().connect_ex(('127.0.0.1', PORT))": "a connection to",
    "_socket.socket().connect(('127.0.0.1', PORT))": "a connection to",
    "socket.socket(socket.AF_INET6).connect(('::1', PORT))": "a connection to",
    "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')": "a connection to",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))": "a connection to",
    "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', PORT))": "a connection to",
    "socket.getaddrinfo('example.com', 80)": "a look-up of example.com",
    "socket.gethostbyname('example.com')": "a look-up of example.com",
    "socket.gethostbyaddr('192.0.2.1')": "a look-up of",
    "urllib.request.urlopen('http://169.254.169.254/latest/meta-data/')": "a look-up of 169.254.169.254",
    "asyncio.run(asyncio.open_connection('127.0.0.1', PORT))": "a connection to",
    "threading.Thread(target=lambda: os.fork()).start(); time.sleep(1)": "os.fork",
    "ctypes.CDLL(None).fork()": "fork of the C library",
    "ctypes.CDLL(None).syscall(57)": "syscall of the C library",
    "threading.Thread(target=lambda: socket.gethostbyname('a.example')).start(); time.sleep(1)": "a look-up of",
}
GOES_ON = (
    "os.chdir('/')",
    "os.umask(0)",
    "os.close(0)",
    "os.environ.clear(); os.environ['EFFECTS_TABLE'] = 'x'",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "signal.alarm(1); time.sleep(2); signal.alarm(0)",
    "gc.disable(); gc.collect()",
    "sys.settrace(lambda *_: None)",
    "builtins.print = None",
    "time.sleep = None",
    "threading.Timer(3600, os._exit, [7]).start()",
    "open('/tmp/mine', 'w').write('x')",
    "assert not [n for n in os.listdir('/proc') if n.isdigit() and int(n) != os.getpid()]",
    "print('x' * 1_000_000)",
    "os.write(2, b'\\xff\\x1b[31m\\n')",
    "sys.path.clear(); sys.modules.pop('json', None)",
)


def tried(folder: Path, body: str, **more: Any) -> RunOutcome:
    file = handler_file(folder / "code", HANDLER.format(body=body))
    few = {"intents": 1, "items": 1, "writers": 1}
    return play(folder, file, workload=few, mapping={"maximum_retry_attempts": 0}, **more)


@pytest.mark.parametrize("body, why", ENDS_ITS_PROCESS.items(), ids=ENDS_ITS_PROCESS)
def test_what_ends_its_process_is_a_crash(body: str, why: str, tmp_path: Path) -> None:
    """Of the function, with its status or its signal."""
    (end,) = operations(tried(tmp_path, body), "execute", INFO)
    assert str(end.error).startswith(f"crashed: {why}")


@pytest.mark.parametrize("body, error", FAILS.items(), ids=FAILS)
def test_what_the_environment_forbids_is_an_error_of_the_handler(body: str, error: str, tmp_path: Path) -> None:
    """As on Lambda; its own variables, files and packages are all that there is."""
    secret = tmp_path / "secret"  # outside the code's folder
    secret.write_text("mine")
    (end,) = operations(tried(tmp_path, body.replace("SECRET", str(secret))), "execute", FAIL)
    assert error in str(end.error)


@pytest.mark.parametrize("body, words", REFUSED.items(), ids=REFUSED)
def test_what_leads_out_is_refused(body: str, words: str, tmp_path: Path) -> None:
    """Nothing arrives, and the run is refused with the line: it is not the function's fault."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        with pytest.raises(NotImitated, match=rf"{words}.*app\.py:12"):
            tried(tmp_path, body.replace("PORT", str(server.getsockname()[1])))
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("body", GOES_ON)
def test_what_concerns_its_process_alone_goes_on(body: str, tmp_path: Path) -> None:
    """Nothing of it reaches the harness, which judges as ever."""
    before = os.getcwd(), dict(os.environ)
    assert operations(tried(tmp_path, body), "execute", OK) or "environ.clear" in body
    assert (os.getcwd(), dict(os.environ)) == before


@pytest.mark.parametrize(
    "body, words",
    [
        ("while True: pass", r"computed for 1 s without any call \(at app\.py:12\)"),
        ("threading.Thread(target=lambda: sum(iter(int, 1))).start(); time.sleep(1)", "computed for 1 s"),
        ("sum(iter(int, 1))", r"computed for 1 s without any call \(at app\.py:12\)"),
        ("os.write(1, b'x' * (70 << 20))", "wrote more than 64 MB"),
    ],
)
def test_what_goes_on_for_ever_is_unknown(body: str, words: str, tmp_path: Path) -> None:
    """With the line where there is one."""
    outcome = tried(tmp_path, body, limits={"spin": "1s"})
    assert outcome.verdict == "unknown"
    assert re.search(words, str(outcome))
