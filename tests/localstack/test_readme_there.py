"""The README's commands that need a LocalStack, on a port of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from pipeline import free_port

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
# Those that name no endpoint, only what runs on this machine, are told the port.
PORTED = ("harness up --runtime host", "harness down")
ENDLESS = "harness watch"
SECONDS = 300


def commands(first: str) -> list[str]:
    """Those of the block that begins with this one."""
    (block,) = [block for block in BLOCKS if block.startswith(first)]
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


def test_every_command_there_does_what_the_readme_says(tmp_path: Path) -> None:
    """LocalStack is up, a scenario runs on it as it expects, a stack comes and goes, and nothing is left."""
    port = free_port()
    up, run, *down = commands("harness up")
    workflow = [*commands("harness synth"), *commands(ENDLESS), "harness destroy --yes"]
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": programs, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    for folder in ("data", "lambda", "scenarios"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    said: dict[str, str] = {}
    for command in (up, run, *workflow, *down):
        line = f"{command} --port {port}" if command in PORTED else command
        said[command] = outcome(line, tmp_path, environment)
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
