"""A run on LocalStack that is killed or interrupted, or whose LocalStack is: `down --stacks` finds all that is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from pipeline import client, eventually

from harness.jobs import jobs_of
from harness.localstack import Running
from harness.localstack.native import NativeLocalStack, marked, state_folder
from harness.platforms.deployed.cloudformation import Leftovers
from harness.platforms.target import Target
from harness.project import cache_folder
from harness.run_folder import HISTORY, RUN, VERDICT
from harness.runner import run
from harness.waiting import turn

ROOT = Path(__file__).parents[2]
SCENARIO = "scenarios/baseline.yaml"
KILLS, SEED = 10, 20
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN = "harness-"  # how the names of all that a run makes begin
MAX_TRIES = 5
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs take place, and where they may leave something."""

    localstack: Running
    folder: Path

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`python -m harness …` at this LocalStack, in a process group of its own."""
        self.temporary.mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *arguments],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary), "HARNESS_CACHE": str(self.folder / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start_run(self, *options: str) -> subprocess.Popen[str]:
        at = ("--platform", "localstack", "--endpoint", self.localstack.endpoint)
        return self.start("run", SCENARIO, *at, "--runs", str(self.folder / "runs"), *options)

    def say(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command that ends by itself, and what it printed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out + err

    def run_folders(self) -> set[Path]:
        """Of all runs whose question is written down: what died before that asked nothing yet."""
        return {path.parent.resolve() for path in self.folder.glob(f"runs/*/*/{RUN}") if path.read_bytes()}

    def ended(self) -> set[Path]:
        return {path for path in self.run_folders() if (path / VERDICT).exists()}

    def left(self) -> list[str]:
        """What there is of any run in this LocalStack, and in the folder for temporary files."""
        stacks = client(self.localstack, "cloudformation").describe_stacks()["Stacks"]
        functions = client(self.localstack, "lambda")
        found = {
            "stack": [each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"],
            "table": client(self.localstack, "dynamodb").list_tables()["TableNames"],
            "bucket": [each["Name"] for each in client(self.localstack, "s3").list_buckets()["Buckets"]],
            "queue": [
                url.rpartition("/")[2] for url in client(self.localstack, "sqs").list_queues().get("QueueUrls", ())
            ],
            "role": [each["RoleName"] for each in client(self.localstack, "iam").list_roles()["Roles"]],
            "function": [each["FunctionName"] for each in functions.list_functions()["Functions"]],
            "mapping": [
                each["FunctionArn"].rpartition(":")[2]
                for each in functions.list_event_source_mappings()["EventSourceMappings"]
            ],
            "process": _functions_with_a_process(self.localstack),
        }
        own = [f"{kind} {name}" for kind, names in found.items() for name in names if name.startswith(OWN)]
        return own + [str(path) for path in self.temporary.iterdir()]

    def assert_nothing_is_left(self) -> None:
        """LocalStack lets go of mappings and functions a moment after it says that their stack is gone."""
        last: list[str] = []

        def nothing() -> bool:
            last[:] = self.left()
            return not last

        try:
            eventually(nothing, "nothing is left")
        except AssertionError:
            raise AssertionError(last) from None


def _functions_with_a_process(localstack: Running) -> list[str]:
    names = []
    for process in marked(state_folder(localstack.port)):
        with suppress(psutil.Error):
            names.append(process.environ().get("AWS_LAMBDA_FUNCTION_NAME", ""))
    return names


@pytest.fixture
def place(localstack: Running, tmp_path: Path) -> Iterator[Place]:
    """What a test that failed did not remove is no business of the next."""
    yield Place(localstack, tmp_path)
    leftovers = Leftovers(Target("localstack", localstack.endpoint))
    assert all(leftovers.remove(leftovers.removable))


def spread(moments: int) -> list[float]:
    """Fractions of a run, in no order: one drawn from each of so many equal parts."""
    draws = random.Random(SEED)
    found = [(part + draws.random()) / moments for part in range(moments)]
    draws.shuffle(found)
    return found


def length(place: Place) -> tuple[float, float]:
    """Seconds until a run has a folder, and until its end. The first run only warms up."""
    for _ in range(2):
        known, began = place.run_folders(), time.monotonic()
        process = place.start_run()
        eventually(lambda known=known: place.run_folders() - known, "the run's folder")
        folder = time.monotonic() - began
        process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0
    return folder, time.monotonic() - began


def signalled(place: Place, what: signal.Signals, seconds: float) -> tuple[int, str]:
    """Exit code and standard error of a run that got a signal so many seconds after its start.

    When the machine was busier while the length was measured, the run is over by then: another gets it sooner.
    """
    for _ in range(MAX_TRIES):
        ended = place.ended()
        process = place.start_run()
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(what)
            _, err = process.communicate(timeout=PATIENCE_SECONDS)
            if place.ended() == ended:
                return process.returncode, err
        seconds *= 0.8
    raise AssertionError(f"the run was over {MAX_TRIES} times before it got its signal")


def verdicts(place: Place) -> tuple[int, set[str]]:
    """The exit code of `check` of all runs that came to no end, and which verdicts it gives."""
    code, said = place.say("check", *map(str, place.run_folders() - place.ended()), "--json", "-")
    return code, {run["verdict"] for run in json.loads(said)}


def test_down_removes_what_killed_runs_left(place: Place) -> None:
    """`kill -9` at ten moments: no verdict is valid, and after `down --stacks` there is nothing of any run."""
    _, end = length(place)
    codes = [signalled(place, signal.SIGKILL, fraction * end)[0] for fraction in spread(KILLS)]
    assert codes == [-signal.SIGKILL] * KILLS
    assert verdicts(place) == (2, {"unknown"})
    down = ("down", "--stacks", "--endpoint", place.localstack.endpoint)
    code, said = place.say(*down)
    assert (code, "removed stack harness-" in said) == (0, True), said
    place.assert_nothing_is_left()
    assert place.say(*down) == (0, f"no run left anything at {place.localstack.endpoint}\n")


def test_an_interrupted_run_removes_what_it_made(place: Place) -> None:
    """Ctrl-C, SIGTERM and SIGHUP, each at another moment between the first word of the history and the end: exit 130,
    no `down` is needed.
    """
    begin, end = length(place)
    for fraction, what in zip(spread(len(INTERRUPTS)), INTERRUPTS, strict=True):
        code, said = signalled(place, what, begin + fraction * (end - begin))
        assert (code, said.splitlines()[-1]) == (130, "interrupted: what was running is unknown"), said
        place.assert_nothing_is_left()
    assert verdicts(place) == (2, {"unknown"})


def test_a_run_whose_localstack_dies_is_unknown(place: Place) -> None:
    """It says so in a sentence, exit code 2, and what had ended before keeps its verdict."""
    native, port = NativeLocalStack(), place.localstack.port
    results = place.folder / "results.json"
    impatient = ("--processes", "1", "--set", "workload.sdk.max_attempts=1")
    process = place.start_run("--seeds", "0..1", "--json", str(results), *impatient)
    try:
        eventually(lambda: len(place.run_folders()) == 2, "the second run's folder")
        (second,) = place.run_folders() - place.ended()
        eventually(lambda: '"drive"' in (second / HISTORY).read_text(), "its drive")
        native.kill(port)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        native.start(port, print)
    first, last = json.loads(results.read_text())
    assert (first["verdict"], last["verdict"]) == ("valid", "unknown")
    (reason,) = last["reasons"]
    assert "the platform was lost in phase d" in reason
    assert f"localstack at {place.localstack.endpoint} failed" in reason
    assert (process.returncode, "Traceback" in err) == (2, False), err
    place.assert_nothing_is_left()


@pytest.mark.parametrize("scenario, alone", [("baseline", True), ("restart", False)])
def test_a_run_waits_for_its_turn(
    scenario: str, alone: bool, localstack: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process kills or freezes LocalStack none is there; one that does so is there alone."""
    monkeypatch.setattr("harness.platforms.deployed.localstack.MAX_TURN_SECONDS", 0.1)
    job = jobs_of([ROOT / f"scenarios/{scenario}.yaml"], target=Target("localstack", localstack.endpoint))[0]
    with turn(cache_folder() / f"runs-at-{localstack.port}", alone, 1):
        (reason,) = run(job, tmp_path).verdict.reasons
    assert "the platform was lost in phase deploy" in reason
    assert "another process has held" in reason
