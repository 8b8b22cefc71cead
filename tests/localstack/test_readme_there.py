"""The README's commands that need a LocalStack, on a port of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from pipeline import free_port

ROOT = Path(__file__).parents[2]
BLOCK = re.search(r"^```sh\n(harness up .*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
# Those that name no endpoint, only what runs on this machine, are told the port.
PORTED = ("harness up --runtime host", "harness down")


def test_every_command_there_does_what_the_readme_says(tmp_path: Path) -> None:
    """LocalStack is up, a scenario runs on it as it expects, nothing is left in it, and it is down again."""
    assert BLOCK
    port = free_port()
    commands = [line.partition("  #")[0].strip() for line in BLOCK[1].splitlines()]
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": programs, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    for folder in ("lambda", "scenarios"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    said = {}
    for command in commands:
        line = f"{command} --port {port}" if command in PORTED else command
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said[command] = done.stdout + done.stderr
    assert f"platform: localstack at http://127.0.0.1:{port}" in said[commands[1]]
    assert "no run left anything" in said["harness down --stacks"]
    assert f"127.0.0.1:{port}" in said["harness status"]
    assert f"port {port}" in said["harness down"]
