"""Functions' processes are copies of one process; nobody can tell."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from pipeline import client, deployed, eventually, template

from harness.localstack import Running
from harness.localstack.native import NativeLocalStack

LOOK = """
    import os, sys
    from importlib.util import find_spec
    served = []
    def handler(event, context):
        served.append(event)
        found = [find_spec(name) for name in ("jmespath", "copies", "fork_server")]
        own = [os.path.basename(spec.origin) for spec in found if spec and "packages" not in spec.origin]
        return {
            "optimize": sys.flags.optimize, "own": sorted(own), "leads": os.getpgid(0) == os.getpid(),
            "process": os.getpid(), "served": len(served),
        }
"""


def invoke(localstack: Running, function: str) -> Any:
    return json.loads(client(localstack, "lambda").invoke(FunctionName=function)["Payload"].read())


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
    return content.getvalue()


def fork_server(localstack: Running) -> psutil.Process:
    """The first of the processes that its copies look like."""
    processes = NativeLocalStack().processes(localstack.port)
    alike = [process for process in processes if "fork_server.py" in " ".join(process.cmdline())]
    return min(alike, key=psutil.Process.create_time)


@pytest.mark.parametrize("own", [{}, {"PYTHONOPTIMIZE": "1"}, {"jmespath.py": "", "copies.py": ""}])
def test_a_function_cannot_tell_that_its_process_is_a_copy(localstack: Running, own: dict[str, str]) -> None:
    """Its own modules come before the runtime's, Python is as it asked for, and nothing of the harness is there."""
    functions, files = client(localstack, "lambda"), {name: text for name, text in own.items() if name.endswith(".py")}
    with deployed(localstack, "looks", template(LOOK)) as outputs:
        name = outputs["Function"]
        functions.update_function_code(FunctionName=name, ZipFile=zipped({"index.py": LOOK, **files}))
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        if len(own) > len(files):
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": own})
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        seen = invoke(localstack, name)
    assert seen["optimize"] == int("PYTHONOPTIMIZE" in own)
    assert seen["own"] == sorted(files)
    assert seen["leads"]


def test_a_killed_fork_server_is_replaced(localstack: Running) -> None:
    """Its copies end with it, and the next invocation is a cold start."""
    with deployed(localstack, "replaced", template(LOOK)) as outputs:
        before = invoke(localstack, outputs["Function"])
        fork_server(localstack).kill()
        eventually(lambda: not Path(f"/proc/{before['process']}").exists(), "the copy ends")
        after = invoke(localstack, outputs["Function"])
    assert after["served"] == 1
    assert after["process"] != before["process"]
