"""The pytest plugin: scenario files as tests, a fixture, and nothing for those who do not use it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest_plugins = ["pytester"]

LEDGER = Path(__file__).parents[2] / "lambda" / "ledger"
TEMPLATE = str(LEDGER / "template.yaml")


def scenario(handler: str = "idempotent", **more: object) -> dict[str, object]:
    return {
        "scenario": "small",
        "question": "Does it?",
        "pipeline": {"handler": str(LEDGER / f"{handler}.py"), "template": TEMPLATE, "mapping": {"batch_size": 1}},
        "workload": {"writer": "put", "intents": 4, "writers": 2},
        "expect": "valid",
        **more,
    }


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytester forgets what is imported inside it: one run before it, and all that a run needs is there for good."""
    from harness.api import run

    assert run(scenario(), tmp_path_factory.mktemp("runs")).verdict == "valid"


def write(pytester: pytest.Pytester, name: str, values: object) -> None:
    (pytester.path / name).write_text(yaml.safe_dump(values, sort_keys=False))


CRASH = [{"crash": {"call": "effect", "when": "after", "nth": 2}}]
BOTH = {"pipeline.handler": [str(LEDGER / "naive.py"), str(LEDGER / "idempotent.py")]}


def test_each_variant_and_seed_of_a_scenario_file_is_a_test(pytester: pytest.Pytester) -> None:
    """Named by variant and seed, in the order of the matrix."""
    write(pytester, "question.yaml", scenario(matrix=BOTH, seeds="3..4"))
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [f"question.yaml::{name}[[]seed {seed}[]] PASSED*" for name in ("naive", "idempotent") for seed in (3, 4)]
    )


def test_other_yaml_files_are_left_alone(pytester: pytest.Pytester) -> None:
    """Only a file with `scenario:` at its top is collected, whatever else is in the folder, and however broken."""
    write(pytester, "template.yaml", {"Resources": {"scenario": "no"}})
    (pytester.path / "broken.yml").write_text("a: [b\n  scenario: nothing")
    (pytester.path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    write(pytester, "question.yml", scenario())
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_violated_expectation_fails_with_the_finding_and_the_way_back(pytester: pytest.Pytester) -> None:
    """The failure is the finding, not a traceback: the anomaly, its proof, what was expected, and a command."""
    write(pytester, "question.yaml", scenario(matrix=BOTH, faults=CRASH))
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "INVALID  small / naive   seed 0   embedded*",
            "  duplicated: intent todo-*",
            "      why: function/* (blame: function)",
            "  expected valid, found *",
            "  run again     python -m harness run question.yaml --variant naive --seed 0 --platform embedded",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_the_command_in_the_failure_repeats_it(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted, where no other platform answers, it exits with 1 and tells the same anomaly."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    write(pytester, "question.yaml", scenario("naive", faults=CRASH))
    told = pytester.runpytest().stdout.str()
    command = told.split("run again     python -m ", 1)[1].splitlines()[0].split()
    again = pytester.runpython_c(
        f"import sys; sys.argv = {command!r}; from harness.cli import main; main(sys.argv[1:])"
    )
    assert again.ret == 1
    again.stdout.fnmatch_lines(["  duplicated: intent todo-*"])


def test_what_is_unknown_fails(pytester: pytest.Pytester) -> None:
    """A fault that never fires is no pass."""
    write(pytester, "question.yaml", scenario(faults=[{"crash": {"nth": 99}}]))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["UNKNOWN  small*", "  unknown: faults[[]0[]]: crash never fired*"])


def test_a_wrong_scenario_is_an_error_with_its_line(pytester: pytest.Pytester) -> None:
    """At collection: file:line:column, and the nearest word; no traceback."""
    write(pytester, "question.yaml", {**scenario(), "quesion": "?"})
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*question.yaml:*:*: *'quesion'*Did you mean 'question'?*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_seeds_can_be_given(pytester: pytest.Pytester) -> None:
    """--harness-seeds instead of those that the scenario names; a wrong one is told."""
    write(pytester, "question.yaml", scenario())
    pytester.runpytest("--harness-seeds", "10..12").assert_outcomes(passed=3)
    wrong = pytester.runpytest("--harness-seeds", "2..1")
    wrong.assert_outcomes(errors=1)
    wrong.stdout.fnmatch_lines(["*2..1*"])


def test_the_fixture_runs_a_file(pytester: pytest.Pytester) -> None:
    """Verdict, counts, anomalies and history to assert on; a variant, a seed and settings can be chosen."""
    write(pytester, "question.yaml", scenario(matrix=BOTH, faults=CRASH))
    pytester.makepyfile(
        """
        import pytest
        from harness.errors import UserError

        def test_it(harness_run):
            broken = harness_run("question.yaml", variant="naive", seed=5)
            assert broken.verdict == "invalid" and not broken.expectation_met
            assert broken.counts["duplicated"] == 1
            assert [(a.kind, a.blame) for a in broken.anomalies] == [("duplicated", "function")]
            assert broken.history.operations[0].f == "phase"
            assert "INVALID" in str(broken)
            right = harness_run("question.yaml", variant="idempotent", settings={"workload.intents": "6"})
            assert right.verdict == "valid" and right.expectation_met and right.counts["intents"] == 6

        def test_one_run_is_asked_for(harness_run):
            with pytest.raises(UserError, match="there are 2"):
                harness_run("question.yaml")
        """
    )
    pytester.runpytest("test_the_fixture_runs_a_file.py").assert_outcomes(passed=2)


def test_the_fixture_runs_values(pytester: pytest.Pytester) -> None:
    """A dict stands for a file; runs leave nothing in the folder of the tests."""
    pytester.makepyfile(
        f"""
        def test_it(harness_run):
            outcome = harness_run({scenario()!r})
            assert outcome.verdict == "valid", outcome
            assert outcome.reasons == ()
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)
    assert not (pytester.path / "runs").exists()


def test_two_runs_in_one_test_are_apart(pytester: pytest.Pytester) -> None:
    """The same scenario twice: equal histories, in folders of their own."""
    pytester.makepyfile(
        f"""
        def test_it(harness_run):
            one, other = harness_run({scenario()!r}), harness_run({scenario()!r})
            assert one.result.run_folder != other.result.run_folder
            assert one.history.operations == other.history.operations
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_it_costs_nothing_when_it_is_not_used(pytester: pytest.Pytester) -> None:
    """A plain pytest run imports neither the runner nor boto3, moto or pydantic because of it."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            assert "harness.pytest_plugin" in sys.modules
            ours = {name for name in sys.modules if name.partition(".")[0] == "harness"}
            assert ours == {"harness", "harness.pytest_plugin"}
            assert not {"boto3", "botocore", "moto", "pydantic", "yaml", "greenlet"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_what_the_platform_refuses_is_skipped_and_says_why(pytester: pytest.Pytester) -> None:
    """Reported as skipped, never as passed; the reason is the platform's."""
    refused = {"embedded": {"*": {"expect": "refused", "why": "it is this process"}}}
    write(pytester, "question.yaml", scenario(faults=["restart_platform"], differs=refused))
    result = pytester.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*not run on embedded: restart_platform: *"])


def test_another_platform_is_named_and_must_answer(pytester: pytest.Pytester) -> None:
    """One sentence, not a traceback, where no LocalStack is."""
    write(pytester, "question.yaml", scenario())
    result = pytester.runpytest("--harness-platform", "localstack", "--harness-endpoint", "http://127.0.0.1:9")
    result.stdout.fnmatch_lines(["*no LocalStack answers at http://127.0.0.1:9*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret != 0
