"""The pytest plugin: `pytest scenarios/` runs each variant of each scenario as a test, and `harness_run` is a fixture.

It is loaded by every pytest that this package is installed for, so it imports nothing of the harness until it is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.api import RunOutcome
    from harness.jobs import Job

_SCENARIO = re.compile(r"^scenario:", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("harness", "scenarios of serverless pipelines")
    group.addoption("--harness-seeds", metavar="0..49", help="seeds for each scenario, instead of those that it names")
    group.addoption(
        "--harness-platform", metavar="NAME", default="embedded", help="embedded (the default) or localstack"
    )
    group.addoption(
        "--harness-endpoint", metavar="URL", help="of LocalStack; AWS_ENDPOINT_URL or port 4566 unless given"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A YAML file with a `scenario:` at its top is a test file; any other is left alone."""
    if file_path.suffix in {".yaml", ".yml"} and _SCENARIO.search(file_path.read_text("utf-8", "replace")):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    def collect(self) -> Iterator[ScenarioItem]:
        from harness.errors import UserError
        from harness.jobs import jobs_of
        from harness.platforms.target import choose_target

        option = self.config.getoption
        try:
            target = choose_target(option("--harness-platform"), option("--harness-endpoint"))
            jobs = jobs_of([Path(os.path.relpath(self.path))], seeds=option("--harness-seeds"), target=target)
        except UserError as error:
            raise self.CollectError(str(error)) from None
        for job in jobs:
            yield ScenarioItem.from_parent(self, name=f"{job.variant.name}[seed {job.seed}]", job=job)


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
            told = finding(result, read_history(Path(result.run_folder)))
            raise Violated(told)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Violated):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.path.stem}: {self.name}"


@pytest.fixture
def harness_run(tmp_path: Path) -> Callable[..., RunOutcome]:
    """A function that runs one variant of a scenario, given as a file or a dict, and returns its Outcome.

    `harness_run(scenario, variant=None, seed=None, settings=None)`; `settings` override fields by their paths, as in
    `{"workload.intents": "5"}`.
    """
    from harness.api import run

    return partial(run, runs=tmp_path / "runs")
