"""The pytest plugin: `pytest scenarios/` runs each variant of each scenario as a test, and `harness_run` is a fixture.

It is loaded by every pytest that this package is installed for, so it imports nothing of the harness until it is used,
and collects no file unless the command line or `testpaths` names it or its folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.api import RunOutcome
    from harness.jobs import Job
    from harness.platforms.target import Target

_KEY = re.compile(r"^(scenario|question|pipeline|workload|expect):", re.MULTILINE)
_KEYS_OF_OURS = 3  # of a file that is not named itself: other programs have a `scenario` too
_MAX_CHARACTERS = 100_000  # in which the keys of a scenario are looked for
_MAX_FINDINGS = 3  # of one test
_NAMED = "harness_named"  # what xdist hands on to its workers: pytest shows them other arguments than the user's
_TARGET = pytest.StashKey["Target"]()
_HINTS = pytest.StashKey[list[str]]()
_OUTCOMES = pytest.StashKey["list[RunOutcome]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("harness", "scenarios of serverless pipelines")
    group.addoption("--harness-seeds", metavar="0..49", help="seeds for each scenario, instead of those that it names")
    group.addoption(
        "--harness-platform",
        metavar="NAME",
        help="embedded or localstack; a LocalStack of `harness up` if one runs, else embedded",
    )
    group.addoption("--harness-endpoint", metavar="URL", help="of LocalStack; AWS_ENDPOINT_URL unless given")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist's: before a worker starts."""
    node.workerinput[_NAMED] = [str(path) for path in _named(node.config)]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario file is a test file, if it is named or its folder is; any other file is left alone."""
    if file_path.suffix not in {".yaml", ".yml"}:
        return None
    named = _named(parent.config)
    if file_path not in named and named.isdisjoint(file_path.parents):
        return None
    try:
        with file_path.open(encoding="utf-8", errors="replace") as file:
            keys = set(_KEY.findall(file.read(_MAX_CHARACTERS)))
    except OSError:
        return None
    if "scenario" in keys and (file_path in named or len(keys) >= _KEYS_OF_OURS):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def _named(config: pytest.Config) -> set[Path]:
    """The files and folders that the command line or `testpaths` names."""
    if hasattr(config, "workerinput"):
        return {Path(path) for path in config.workerinput.get(_NAMED, ())}
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:
        return set()
    paths = (argument.partition("::")[0] for argument in config.args)
    return {Path(os.path.normpath(config.invocation_params.dir / path)) for path in paths}


def _target(config: pytest.Config) -> Target:
    """Where the scenarios and the fixture run. It is chosen once."""
    from harness.platforms.target import choose_target

    if _TARGET not in config.stash:
        hints = config.stash.setdefault(_HINTS, [])
        platform, endpoint = config.getoption("--harness-platform"), config.getoption("--harness-endpoint")
        config.stash[_TARGET] = choose_target(platform, endpoint, hint=hints.append)
    return config.stash[_TARGET]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for hint in config.stash.get(_HINTS, ()):
        terminalreporter.write_line(f"harness: {hint}")


class ScenarioFile(pytest.File):
    def collect(self) -> Iterator[ScenarioItem]:
        from harness.errors import UserError
        from harness.jobs import jobs_of

        seeds = self.config.getoption("--harness-seeds")
        try:
            jobs = jobs_of([Path(os.path.relpath(self.path))], seeds=seeds, target=_target(self.config))
        except UserError as error:
            raise self.CollectError(str(error)) from None
        for job in jobs:
            name = f"{job.variant.name}[seed {job.seed}]"
            # Since pytest 9.2 --lf and --sw compare ids in parts, and only an id that is given as a text has them.
            yield ScenarioItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", job=job)


class Violated(Exception):
    """The expectation of a variant was not met; the message is the finding."""


class ScenarioItem(pytest.Item):
    """One variant with one seed."""

    def __init__(self, *, job: Job, **more: Any) -> None:
        super().__init__(**more)
        self.job = job

    def runtest(self) -> None:
        if self.job.refused:
            pytest.skip(f"not run on {self.job.target.platform}: {self.job.refused}")
        from harness.reports.text import finding
        from harness.run_folder import read_history
        from harness.runner import run

        result = run(self.job, self.config.rootpath / "runs")
        self.user_properties += [("seed", result.seed), ("run_folder", str(result.run_folder))]
        if not result.expectation_met:
            raise Violated(finding(result, read_history(Path(result.run_folder))))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A finding, or a mistake of the user, in its own words; a traceback for anything else."""
        from harness.errors import NotImitated, UserError

        if isinstance(excinfo.value, Violated | UserError | NotImitated):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.path.stem}: {self.name}"


@pytest.fixture
def harness_run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., RunOutcome]:
    """A function that runs one variant of a scenario, given as a file or a dict, and returns its Outcome.

    `harness_run(scenario, variant=None, seed=None, settings=None)`; `settings` override fields by their paths, as in
    `{"workload.intents": "5"}`. The findings are shown where the test fails.
    """
    from harness.api import run

    target = _target(request.config)
    outcomes = request.node.stash.setdefault(_OUTCOMES, [])

    def run_one(*arguments: Any, **options: Any) -> RunOutcome:
        at = {"runs": tmp_path / "runs", "platform": target.platform, "endpoint": target.endpoint}
        outcome = run(*arguments, **{**at, **options})
        outcomes.append(outcome)
        return outcome

    return run_one


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        findings = [str(outcome) for outcome in item.stash.get(_OUTCOMES, ())[-_MAX_FINDINGS:]]
        report.sections += [("harness_run", finding) for finding in findings]
    return report
