"""Known differences: what a variant ends as on one platform, and why, as the scenario lists it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenario_texts import folder, load_text, problems, short

from harness.errors import UserError
from harness.jobs import jobs_of
from harness.models import read
from harness.runner import run
from harness.scenario.expectation import Difference
from harness.verdict import RunResult

HANDLER = str(Path(__file__).parents[3] / "lambda" / "ledger" / "naive.py")
CRASH = {"crash": {"nth": 1}}
WINDOW = {"tumbling_window_in_seconds": 60}  # which the embedded platform refuses


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return folder(tmp_path)


def scenario(**more: Any) -> dict[str, Any]:
    return {
        "scenario": "small",
        "question": "Does it differ?",
        "pipeline": {"handler": HANDLER, "mapping": {"batch_size": 1}},
        "workload": {"writer": "put", "intents": 3},
        "expect": "valid",
        **more,
    }


def test_a_difference_is_an_expectation_or_a_refusal_and_a_reason() -> None:
    """Both are needed."""
    refused = read(Difference, {"expect": "refused", "why": "G-04"})
    assert (refused.expect, refused.why) == (None, "G-04")
    lost = read(Difference, {"expect": {"invalid": {"lost": 1}}, "why": "G-05"})
    assert (str(lost.expect), lost.why) == ("invalid (lost == 1)", "G-05")


@pytest.mark.parametrize(
    "spec, sentence",
    [
        ("refused", "got 'refused'; expected a mapping with expect and why"),
        ({"expect": "refused"}, "'why' is missing: Why, with the row or source"),
        ({"why": "because"}, "'expect' is missing: What it ends as"),
        ({"expect": "refused", "why": ""}, "got ''; expected a text that is not empty"),
        ({"expect": "refused", "whi": "because"}, "Did you mean 'why'?"),
        ({"expect": "vald", "why": "because"}, "Did you mean 'valid'?"),
        ({"expect": {"invalid": {"lst": 1}}, "why": "because"}, "expect.invalid.lst: 'lst' is not a key of invalid."),
    ],
)
def test_what_is_no_difference_is_said(project: Path, spec: Any, sentence: str) -> None:
    """In one sentence, with the nearest word."""
    (problem,) = problems(project, short(differs={"localstack": {"default": spec}}))
    assert problem.startswith("x.yaml:")
    assert sentence in problem


@pytest.mark.parametrize(
    "differs, sentence",
    [
        ({"localstak": {"*": {"expect": "valid", "why": "x"}}}, "Did you mean 'localstack'?"),
        ({"localstack": {"default": "refused"}}, "expected a mapping with expect and why"),
        ({"localstack": {"defalt": {"expect": "valid", "why": "x"}}}, "Did you mean 'default'?"),
        ({"localstack": "refused"}, "got 'refused'; expected a mapping"),
        ("localstack", "got 'localstack'; expected a mapping"),
    ],
)
def test_what_is_wrong_about_differences_has_its_line(project: Path, differs: Any, sentence: str) -> None:
    """Platform, variant and difference each name the nearest word, or what is valid."""
    (problem,) = problems(project, short(differs=differs))
    assert problem.startswith("x.yaml:")
    assert sentence in problem


def test_each_variant_has_its_own_by_platform(project: Path) -> None:
    """The first pattern that matches counts; a variant that none matches does not differ."""
    text = short(
        matrix={"workload.writer": ["put", "stamped_put"]},
        differs={
            "localstack": {"st*": {"expect": "unknown", "why": "slow"}},
            "aws": {"*": {"expect": "valid", "why": "x"}},
        },
    )
    put, stamped = load_text(project, text).variants

    def in_words(differences: dict[str, Difference]) -> dict[str, tuple[str, str]]:
        return {platform: (str(each.expect), each.why) for platform, each in differences.items()}

    assert in_words(put.differences) == {"aws": ("valid", "x")}
    assert in_words(stamped.differences) == {"localstack": ("unknown", "slow"), "aws": ("valid", "x")}


def test_a_run_is_judged_by_its_platforms_difference(tmp_path: Path) -> None:
    """The expectation of the platform replaces the general one, and the result says why."""
    known = {"embedded": {"*": {"expect": {"invalid": {"duplicated": 1}}, "why": "it crashes"}}}
    (job,) = jobs_of([scenario(faults=[CRASH], differs=known)])
    result: RunResult = run(job, tmp_path)
    assert (result.expectation_met, result.difference) == (True, "it crashes")


def test_what_is_listed_as_refused_is_not_run_and_does_not_stop_the_others() -> None:
    """The job says why; without the list it is a mistake of the scenario."""
    refused = {"embedded": {"*": {"expect": "refused", "why": "no windows"}}}
    pipeline = {"handler": HANDLER, "mapping": WINDOW}
    (job,) = jobs_of([scenario(pipeline=pipeline, differs=refused)])
    assert "tumbling_window_in_seconds" in job.refused
    with pytest.raises(UserError, match="tumbling_window_in_seconds"):
        jobs_of([scenario(pipeline=pipeline)])


def test_a_list_that_is_no_longer_true_is_a_mistake() -> None:
    """What is listed as refused must be refused."""
    stale = {"embedded": {"*": {"expect": "refused", "why": "it was"}}}
    with pytest.raises(UserError, match="listed as refused on embedded, which does not refuse it"):
        jobs_of([scenario(differs=stale)])
