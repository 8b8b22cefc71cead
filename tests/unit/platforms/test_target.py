"""Where a run takes place, and what follows from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from other_emulator import LOCALSTACK as ITSELF
from other_emulator import OTHERS, Answering, answering

from harness import api, jobs, localstack
from harness.cli.run import run
from harness.errors import UserError
from harness.localstack import PORT, Running
from harness.platforms import AWS, EMBEDDED, LOCALSTACK, target
from harness.platforms.target import EMBEDDED_TARGET, Target, choose_target

SCENARIO = Path(__file__).parents[3] / "scenarios" / "baseline.yaml"
Here = Callable[[dict[str, Any]], Answering]


def test_runs_that_wait_for_a_platform_go_two_for_each_core() -> None:
    """On the embedded platform a run never waits; elsewhere half of it is waiting."""
    cores = os.cpu_count()
    assert Target(EMBEDDED).side_by_side == cores
    assert {Target(platform).side_by_side for platform in (LOCALSTACK, AWS)} == {2 * cores}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """Lets an emulator answer on LocalStack's usual port. `harness up` has started nothing, nothing is asked for."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(localstack, "ours", lambda: [])
    monkeypatch.setattr(target, "LOCALSTACK_ENDPOINT", "http://127.0.0.1:9")
    with ExitStack() as exits:

        def answer(reports: dict[str, Any]) -> Answering:
            emulator = exits.enter_context(answering(reports))
            monkeypatch.setattr(target, "LOCALSTACK_ENDPOINT", emulator.endpoint)
            return emulator

        yield answer


def chosen(*words: Any, **options: Any) -> tuple[Target, str]:
    hints: list[str] = []
    return choose_target(*words, **options, hint=hints.append), "\n".join(hints)


def running(endpoint: str) -> Running:
    return Running("host", "process 1", int(endpoint.rpartition(":")[2]), "4.14.0")


def test_where_nothing_answers_a_run_is_embedded(here: Here) -> None:
    """Without a hint: there is nothing to tell."""
    assert chosen(None) == (EMBEDDED_TARGET, "")
    with pytest.raises(UserError, match="no LocalStack answers"):
        choose_target(LOCALSTACK)


@pytest.mark.parametrize("who", ["a LocalStack that harness did not start", *OTHERS])
def test_what_somebody_else_started_is_named_and_left_alone(here: Here, who: str) -> None:
    """Also a LocalStack: its tables are those of its user."""
    emulator = here(OTHERS.get(who, ITSELF))
    where, hint = chosen(None)
    assert where == EMBEDDED_TARGET
    assert hint.startswith(f"{who} answers at {emulator.endpoint} and is left alone")
    assert f"--endpoint {emulator.endpoint}" in hint
    assert emulator.asked == []


def test_what_harness_started_is_used(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """On whatever port, and whatever else answers on the usual one."""
    here(OTHERS["MiniStack 1.2.3"])
    with answering(ITSELF) as own:
        monkeypatch.setattr(localstack, "ours", lambda: [running(own.endpoint)])
        for platform in (None, LOCALSTACK):
            assert chosen(platform) == (Target(LOCALSTACK, own.endpoint), "")
        assert chosen(EMBEDDED) == (EMBEDDED_TARGET, "")


def test_what_is_asked_for_is_used(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """By AWS_ENDPOINT_URL or by --endpoint: a LocalStack of anybody, and another emulator under its own name."""
    here(ITSELF)
    for who, reports in {"": ITSELF, **OTHERS}.items():
        with answering(reports) as emulator:
            expected = Target(LOCALSTACK, emulator.endpoint, emulator=who or None)
            assert chosen(None, emulator.endpoint) == (expected, "")
            monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
            assert chosen(None) == chosen(LOCALSTACK) == (expected, "")
            assert expected.options() == ["--platform", LOCALSTACK, "--endpoint", emulator.endpoint]
            assert str(expected) == f"{who or LOCALSTACK} at {emulator.endpoint}"
            monkeypatch.delenv("AWS_ENDPOINT_URL")


def test_an_endpoint_that_does_not_answer_is_told(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hint where the variable may be meant for something else, as a mistake where the option names it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    where, hint = chosen(None)
    assert (where, "nothing answers at AWS_ENDPOINT_URL" in hint) == (EMBEDDED_TARGET, True)
    with pytest.raises(UserError, match="no LocalStack answers at"):
        choose_target(None, "http://127.0.0.1:9")


def test_the_platform_localstack_is_localstack(here: Here) -> None:
    """One of somebody else will do when it is asked for by name; another emulator has to be named by its address."""
    emulator = here(ITSELF)
    assert choose_target(LOCALSTACK) == Target(LOCALSTACK, emulator.endpoint)
    here(OTHERS["Floci 2.0.1"])
    with pytest.raises(UserError, match=r"Floci 2\.0\.1 at .* is no LocalStack"):
        choose_target(LOCALSTACK)


@pytest.mark.parametrize("report", [{"localstack": []}, {"localstack": {"status": "ok"}}, {"localstack": "ok"}, {}])
def test_what_reports_no_services_is_no_emulator(here: Here, report: dict[str, Any]) -> None:
    """Another program may have a health path too."""
    here(report)
    assert chosen(None) == (EMBEDDED_TARGET, "")


def test_run_and_the_python_interface_choose_alike(
    here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both play embedded, and name on standard error what they leave alone; `matrix` and pytest call the same."""
    emulator = here(OTHERS["MiniStack 1.2.3"])
    played = CliRunner().invoke(run, [str(SCENARIO), "--runs", str(tmp_path)], standalone_mode=False)
    assert "MiniStack 1.2.3 answers" in played.stderr
    assert "platform: embedded" in played.stderr
    assert api.run(SCENARIO, tmp_path).result.platform == EMBEDDED
    assert "MiniStack 1.2.3 answers" in capsys.readouterr().err
    assert emulator.asked == []


def test_what_localstack_is_known_for_is_not_expected_of_others() -> None:
    """A known difference of LocalStack excuses no other emulator, and is not told of it."""
    difference = {"localstack": {"*": {"expect": "invalid", "why": "LocalStack loses it"}}}
    scenario = api_scenario(differs=difference)
    for emulator, why in ((None, "LocalStack loses it"), ("Floci 2.0.1", None)):
        at = Target(LOCALSTACK, "http://127.0.0.1:9", emulator=emulator)
        (job,) = jobs.jobs_of([scenario], target=at)
        question = job.question()
        assert (question["emulator"], question["difference"]) == (emulator, why)


def api_scenario(**more: Any) -> dict[str, Any]:
    ledger = SCENARIO.parents[1] / "lambda" / "ledger"
    return {
        "scenario": "small",
        "question": "Does it?",
        "pipeline": {"handler": str(ledger / "idempotent.py")},
        "workload": {"writer": "put", "intents": 2},
        "expect": "valid",
        **more,
    }


class Started:
    """A runtime with what it started."""

    def __init__(self, *instances: Running) -> None:
        self._instances = list(instances)

    def __call__(self) -> Started:
        return self

    def status(self) -> list[Running]:
        return list(self._instances)


def test_ours_is_what_the_runtimes_have_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers, the one on the usual port first. Docker is asked only where something listens on its port."""
    usual = Running("compose", "container", PORT, "4.14.0")
    other, silent = Running("host", "process 1", 4600, "4.14.0"), Running("host", "process 2", 4601, "", healthy=False)
    monkeypatch.setattr(localstack, "RUNTIMES", {"host": Started(other, silent), "compose": Started(usual)})
    listening: set[int] = set()
    monkeypatch.setattr(localstack, "_listens", listening.__contains__)
    monkeypatch.delenv("LOCALSTACK_PORT", raising=False)
    assert localstack.ours() == [other]
    listening.add(PORT)
    assert localstack.ours() == [usual, other]
    listening.symmetric_difference_update({PORT, 4700})
    assert localstack.ours() == [other]
    monkeypatch.setenv("LOCALSTACK_PORT", "4700")
    assert localstack.ours() == [usual, other]
