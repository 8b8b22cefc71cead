"""The commands of the documents that need a LocalStack, on a port of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from pipeline import free_port

from tools import docs
from tools.markdown import commands

ROOT = Path(__file__).parents[2]
ON_LOCALSTACK = "on LocalStack"  # the mark of the blocks that are meant
# Those that name no endpoint, only what runs on this machine, are told the port.
PORTED = ("harness up --runtime host", "harness down")
UP, DOWN = PORTED
ENDLESS = "harness watch"
SECONDS = 300


def marked() -> list[str]:
    """All of them in the order of the documents, between the one that starts LocalStack and the one that ends it."""
    texts = [file.read_text("utf-8") for file in docs.documents(ROOT)]
    lines = [command.line for text in texts for command in commands(text) if command.mark == ON_LOCALSTACK]
    return [UP, *(line for line in lines if line not in PORTED), DOWN]


def test_every_command_there_does_what_the_documents_say(tmp_path: Path) -> None:
    """LocalStack is up, a scenario runs on it as it expects, a stack comes and goes, and nothing is left."""
    port = free_port()
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": programs, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    for folder in ("data", "lambda", "scenarios"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    said: dict[str, str] = {}
    for command in marked():
        line = f"{command} --port {port}" if command in PORTED else command
        said[command] = outcome(line, tmp_path, environment)
    run = "harness run scenarios/crash.yaml --variant 'between/*' --platform localstack"
    assert f"platform: localstack at http://127.0.0.1:{port}" in said[run]
    assert "8 changes" in said["harness diff"]
    assert "0 new, 0 changed, 5 unchanged" in said["harness load data/todos.yaml"]  # the second time
    assert "no run left anything" in said["harness down --stacks"]
    assert f"127.0.0.1:{port}" in said["harness status"]
    assert f"port {port}" in said["harness down"]


def outcome(line: str, folder: Path, environment: dict[str, str]) -> str:
    """What the command says, and that it succeeds; one without an end is interrupted once it has nothing left to do."""
    started = subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=folder,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert started.stdout
    read = ""
    if line.startswith(ENDLESS):
        for said in started.stdout:
            read += said
            if said.startswith("watching"):
                started.send_signal(signal.SIGINT)
                break
    read += started.communicate(timeout=SECONDS)[0]
    assert started.returncode == 0, f"{line}\n{read}"
    return read
