"""The variants of a scenario: which there are, what they are called, and what is expected of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenario_texts import SHORT, folder, load_text, problems, short

from harness.documents import Document
from harness.faults.function import FunctionCrash
from harness.faults.wire import Latency
from harness.scenario.variants import variants

TWO = "matrix: {workload.writer: [put, stamped_put]}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return folder(tmp_path)


def test_variants_come_in_the_order_of_the_matrix(project: Path) -> None:
    """The last dimension changes fastest; files are called by their stems, named values by their names."""
    text = SHORT + (
        "matrix:\n"
        "  workload.writer: [put, stamped_put]\n"
        "  pipeline.handler: [handlers/naive.py, 'handlers/idempotent.py:main']\n"
        "  pipeline.mapping.batch_size: [1]\n"
        "  pipeline.mapping.bisect_batch_on_function_error: [true]\n"
        "  faults: {none: [], crash: [crash]}\n"
    )
    assert [variant.name for variant in load_text(project, text).variants] == [
        f"{writer}/{handler}/1/true/{faults}"
        for writer in ("put", "stamped_put")
        for handler in ("naive", "idempotent.main")
        for faults in ("none", "crash")
    ]


def test_each_variant_is_a_scenario_of_its_own(project: Path) -> None:
    """Mappings on the way are made; a fault that is a word alone gets fields; the rest is shared."""
    text = short(
        faults=["crash", {"delay": {"seconds": 1}}],
        matrix={"faults[0].crash.nth": [1, 2], "faults[1].delay.seconds": ["2s"], "workload.sdk.max_attempts": [3]},
    )
    first, second = load_text(project, text).variants
    assert first.scenario.faults == (FunctionCrash(nth=1), Latency(seconds=2.0))
    assert second.scenario.faults == (FunctionCrash(nth=2), Latency(seconds=2.0))
    assert first.scenario.workload == second.scenario.workload
    assert first.scenario.workload.sdk.max_attempts == 3


def test_the_document_of_a_variant_is_a_scenario_without_a_matrix(project: Path) -> None:
    """Reading it again gives the same scenario and expectation, so a run's folder can hold it."""
    text = SHORT.replace("expect: valid", "expect: {put: valid, '*': {invalid: {lost: 1}}}") + TWO
    for variant in load_text(project, text).variants:
        (again,) = variants(Document.of(variant.document.value), [project])
        assert (again.scenario.workload, again.expectation) == (variant.scenario.workload, variant.expectation)
        assert "matrix" not in variant.document.value


@pytest.mark.parametrize(
    "expect, found",
    [
        ("valid", ["valid", "valid"]),
        ({"invalid": {"lost": 1}}, ["invalid (lost == 1)"] * 2),
        ({"put": "valid", "stamped_put": "invalid"}, ["valid", "invalid"]),
        ({"put": "valid", "*": "unknown"}, ["valid", "unknown"]),
        ({"s*": "invalid", "*put": "valid"}, ["valid", "invalid"]),
    ],
)
def test_the_first_pattern_that_matches_decides(project: Path, expect: Any, found: list[str]) -> None:
    """One spec is for all variants."""
    text = short(expect=expect) + TWO
    assert [str(variant.expectation) for variant in load_text(project, text).variants] == found


@pytest.mark.parametrize(
    "expect, sentences",
    [
        ({"put": "valid"}, ["expect: variant 'stamped_put' has no expectation"]),
        ({"put": "valid", "stampd_put": "valid"}, ["'stampd_put' matches no variant. Did you mean 'stamped_put'?"]),
        ({"*": "valid", "put": "invalid"}, ["'put' decides no variant: patterns before it match all of its own"]),
        ({"*": "valid", "z*": "invalid"}, ["'z*' matches no variant. Known: put, stamped_put"]),
        ({"*": "valid", "z*": "invald"}, ["'z*' matches no variant. Known: put, stamped_put"]),
        ({"*put": "vald"}, ["expect.*put: got 'vald'. Did you mean 'valid'?"]),
        ({}, ["'put' has no expectation", "'stamped_put' has no expectation"]),
    ],
)
def test_every_variant_has_an_expectation_and_every_pattern_a_variant(
    project: Path, expect: Any, sentences: list[str]
) -> None:
    """Otherwise one of them would say nothing, and nobody would see it."""
    found = problems(project, short(expect=expect) + TWO)
    assert [sentence in problem for sentence, problem in zip(sentences, found, strict=True)] == [True] * len(found)


def test_a_scenario_without_expectation_is_refused(project: Path) -> None:
    """It is said once, whatever the number of variants."""
    (problem,) = problems(project, SHORT.replace("expect: valid\n", "") + TWO)
    assert problem.startswith("x.yaml:1:1: 'expect' is missing: The verdict expected")


@pytest.mark.parametrize(
    "matrix, sentence",
    [
        ("[1]", "x.yaml:6:9: matrix: got [1]; expected paths into the scenario"),
        ("{workload.writr: [put]}", "6:10: matrix.workload.writr: 'writr' is not a key of workload. Did you mean"),
        ("{wrkload.writer: [put]}", "6:10: matrix.wrkload.writer: 'wrkload' is not a key to begin with. Did you mean"),
        ("{expect: [valid]}", "'expect' is not a key to begin with. Known: faults, limits, pipeline, workload"),
        ("{workload.writer.x: [put]}", "'workload.writer.x' leads to nothing"),
        ("{'workload..writer': [put]}", "'workload..writer' is not a path"),
        ("{'faults[0].crash.nth': [1]}", "there is no faults[0]"),
        ("{workload.writer: []}", "6:27: matrix.workload.writer: got []; expected a list of values"),
        ("{workload.writer: put}", "6:27: matrix.workload.writer: got 'put'; expected a list of values"),
        ("{workload.writer: [put, putt]}", "6:33: matrix.workload.writer[1]: 'putt' is not a writer. Did you mean"),
        ("{workload.writer: {a: put, b: putt}}", "6:39: matrix.workload.writer.b: 'putt' is not a writer"),
        ("{workload.intents: [2, 0]}", "6:32: matrix.workload.intents[1]: got 0; expected a whole number from 1"),
        ("{faults: [[crash]]}", '6:19: matrix.faults[0]: got ["crash"], which has no name'),
        ("{faults: {a: [crsh]}}", "6:23: matrix.faults.a[0]: 'crsh' is not a fault. Did you mean 'crash'?"),
        ("{faults: {a: [crash: {nth: x}]}}", "matrix.faults.a[0].crash.nth: got 'x'"),
        ("{workload.writer: [put, put]}", "6:33: matrix.workload.writer[1]: a second value is called 'put'"),
        ("{pipeline.handler: [handlers/naive.py, handlers/../handlers/naive.py]}", "a second value is called 'naive'"),
        ("{workload.writer: {a/b: put, a: put}, pipeline.shards: {c: 1, b/c: 2}}", "two variants are called 'a/b/c'"),
    ],
)  # fmt: skip
def test_a_matrix_that_makes_no_sense_is_one_line(project: Path, matrix: str, sentence: str) -> None:
    """A value that is wrong is pointed at where it stands in the matrix."""
    (problem,) = problems(project, f"{SHORT}matrix: {matrix}\n")
    assert sentence in problem


def test_a_matrix_has_a_bound(project: Path) -> None:
    """A thousand variants, and nothing is read of more."""
    values = ", ".join(map(str, range(1, 127)))
    (problem,) = problems(project, f"{SHORT}matrix: {{limits.steps: [{values}], pipeline.shards: [1,2,3,4,5,6,7,8]}}")
    assert problem == "x.yaml:6:9: matrix: makes 1008 variants; at most 1000 are valid"


def test_a_path_into_another_fault_is_refused(project: Path) -> None:
    """It would make an entry with two faults."""
    text = short(faults=[{"delay": {"seconds": 1}}], matrix={"faults[0].crash.nth": [1]})
    (problem,) = problems(project, text)
    assert problem.endswith("matrix.faults[0].crash.nth: faults[0] is 'delay', not 'crash'")


def test_a_path_into_what_is_no_fault_leaves_it_to_be_told(project: Path) -> None:
    """Of a list in place of a fault, the list is the mistake."""
    (problem,) = problems(project, short(faults=[["crash"]], matrix={"faults[0].crash.nth": [1]}))
    assert problem.endswith('faults[0]: got ["crash"]; expected one fault, such as crash or crash: {nth: 1}')


def test_a_problem_that_all_variants_share_is_said_once(project: Path) -> None:
    """And none is said of a value that every variant replaces."""
    text = SHORT.replace("writer: put", "writer: putt").replace("short", "Short") + TWO
    assert [problem.split(": ")[0] for problem in problems(project, text)] == ["x.yaml:1:11"]


@pytest.mark.parametrize("text, got", [("", "nothing"), ("[]", "[]"), ("valid", "'valid'")])
def test_a_file_that_holds_no_mapping_is_refused(project: Path, text: str, got: str) -> None:
    """An empty file among them."""
    (problem,) = problems(project, text)
    assert problem.endswith(f"got {got}; expected a scenario, which is a mapping")
