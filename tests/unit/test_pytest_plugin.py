"""The pytest plugin: scenario files as tests, a fixture, and nothing for those who do not use it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from other_emulator import OTHERS, answering

from harness import localstack
from harness.platforms import target

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
    result = pytester.runpytest(".", "-v")
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
    pytester.runpytest(".").assert_outcomes(passed=1)


FOREIGN = {"scenario": "login", "steps": ["open page"]}
OF_A_CI = {"scenario": "deploy", "pipeline": {"stages": ["build"]}, "steps": []}


@pytest.mark.parametrize("foreign", [FOREIGN, OF_A_CI, {"scenario": {"outline": []}}])
def test_the_scenarios_of_another_program_are_left_alone(pytester: pytest.Pytester, foreign: object) -> None:
    """Its YAML may have a `scenario` too: a project that has nothing to do with us keeps its tests."""
    pytester.makepyfile("def test_ok(): assert True")
    write(pytester, "fixture.yaml", foreign)
    for words in ((), (".",)):
        result = pytester.runpytest(*words)
        result.assert_outcomes(passed=1)
        assert result.ret == 0


def test_a_file_that_is_named_is_told_what_is_wrong_with_it(pytester: pytest.Pytester) -> None:
    """However little of a scenario it has."""
    write(pytester, "fixture.yaml", FOREIGN)
    result = pytester.runpytest("fixture.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture.yaml:*'steps'*"])


def test_only_what_is_named_is_collected(pytester: pytest.Pytester) -> None:
    """A file, its folder, one variant of it, or what `testpaths` names; a plain pytest runs none of them."""
    pytester.mkdir("scenarios")
    write(pytester, "scenarios/question.yaml", scenario(seeds="0..1"))
    pytester.makepyfile("def test_ok(): assert True")

    def items(*words: str) -> int:
        lines = pytester.runpytest("--collect-only", "-q", *words).outlines
        return sum(line.startswith("scenarios/question.yaml::") for line in lines)

    assert items() == items("test_only_what_is_named_is_collected.py") == 0
    assert items(".") == items("scenarios") == items("scenarios/question.yaml") == 2
    assert items("scenarios/question.yaml::default[seed 1]") == 1
    pytester.makeini("[pytest]\ntestpaths = scenarios")
    assert items() == 2
    assert items("test_only_what_is_named_is_collected.py") == 0


def test_what_cannot_be_read_is_left_alone(pytester: pytest.Pytester) -> None:
    """A link that leads nowhere and a folder of that name end no session."""
    (pytester.path / "gone.yaml").symlink_to("nowhere")
    pytester.mkdir("folder.yaml")
    pytester.makepyfile("def test_ok(): assert True")
    pytester.runpytest(".").assert_outcomes(passed=1)


def test_failures_are_run_again_alone(pytester: pytest.Pytester) -> None:
    """--lf and --sw know a variant and a seed as they know any other test."""
    right_first = {name: [*reversed(handlers)] for name, handlers in BOTH.items()}
    write(pytester, "question.yaml", scenario(matrix=right_first, faults=CRASH, seeds="0..1"))
    pytester.runpytest(".").assert_outcomes(passed=2, failed=2)
    pytester.runpytest(".", "--lf").assert_outcomes(failed=2)
    pytester.runpytest(".", "--sw").assert_outcomes(passed=2, failed=1)
    pytester.runpytest(".", "--sw").assert_outcomes(failed=1, deselected=2)


@pytest.mark.parametrize("words", [(".",), ()])
def test_workers_of_xdist_collect_what_one_process_collects(pytester: pytest.Pytester, words: tuple[str, ...]) -> None:
    """Named or not, in the same order, with runs of their own; the finding comes back."""
    write(pytester, "question.yaml", scenario(matrix=BOTH, faults=CRASH, seeds="0..2"))
    pytester.makepyfile("def test_ok(): assert True")
    result = pytester.runpytest_subprocess("-n", "2", *words)
    if words:
        result.assert_outcomes(passed=4, failed=3)
        result.stdout.fnmatch_lines(["  duplicated: *", "      intent todo-*"])
    else:
        result.assert_outcomes(passed=1)


def test_a_violated_expectation_fails_with_the_finding_and_the_way_back(pytester: pytest.Pytester) -> None:
    """The failure is the finding, not a traceback: the anomaly, its proof, what was expected, and a command."""
    write(pytester, "question.yaml", scenario(matrix=BOTH, faults=CRASH))
    result = pytester.runpytest(".")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "INVALID  small / naive   seed 0   embedded*",
            "  duplicated: function/*",
            "      blame: function",
            "      intent todo-*",
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
    told = pytester.runpytest(".").stdout.str()
    command = told.split("run again     python -m ", 1)[1].splitlines()[0].split()
    again = pytester.runpython_c(
        f"import sys; sys.argv = {command!r}; from harness.cli import main; main(sys.argv[1:])"
    )
    assert again.ret == 1
    again.stdout.fnmatch_lines(["  duplicated: *", "      intent todo-*"])


def test_what_is_unknown_fails(pytester: pytest.Pytester) -> None:
    """A fault that never fires is no pass."""
    write(pytester, "question.yaml", scenario(faults=[{"crash": {"nth": 99}}]))
    result = pytester.runpytest(".")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["UNKNOWN  small*", "  unknown: faults[[]0[]]: crash never fired*"])


def test_a_wrong_scenario_is_an_error_with_its_line(pytester: pytest.Pytester) -> None:
    """At collection: file:line:column, and the nearest word; no traceback."""
    write(pytester, "question.yaml", {**scenario(), "quesion": "?"})
    result = pytester.runpytest(".")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*question.yaml:*:*: *'quesion'*Did you mean 'question'?*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_seeds_can_be_given(pytester: pytest.Pytester) -> None:
    """--harness-seeds instead of those that the scenario names; a wrong one is told."""
    write(pytester, "question.yaml", scenario())
    pytester.runpytest(".", "--harness-seeds", "10..12").assert_outcomes(passed=3)
    wrong = pytester.runpytest(".", "--harness-seeds", "2..1")
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
    pytester.runpytest(".").assert_outcomes(passed=1)
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
    pytester.runpytest(".").assert_outcomes(passed=1)


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
    result = pytester.runpytest(".", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*not run on embedded: restart_platform: *"])


def test_another_platform_is_named_and_must_answer(pytester: pytest.Pytester) -> None:
    """One sentence, not a traceback, where no LocalStack is."""
    write(pytester, "question.yaml", scenario())
    result = pytester.runpytest(".", "--harness-platform", "localstack", "--harness-endpoint", "http://127.0.0.1:9")
    result.stdout.fnmatch_lines(["*no LocalStack answers at http://127.0.0.1:9*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret != 0


def test_a_test_that_fails_shows_the_findings_of_its_runs(pytester: pytest.Pytester) -> None:
    """Whatever it asserts on; a test that passes shows none, and the outcome itself is shown in a few words."""
    pytester.makepyfile(
        f"""
        def test_fails(harness_run):
            outcome = harness_run({scenario("naive", faults=CRASH)!r})
            assert repr(outcome) == "<small / default, seed 0: invalid>"
            assert outcome.verdict == "valid"

        def test_passes(harness_run):
            assert harness_run({scenario("naive", faults=CRASH)!r}).verdict == "invalid"
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*assert 'invalid' == 'valid'*", "*harness_run*", "INVALID  small / default*", "  duplicated: *"]
    )
    assert result.stdout.str().count("INVALID  small") == 1


def test_the_platform_is_chosen_as_run_chooses_it(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else has on LocalStack's port is named and left alone; scenarios and the fixture alike."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setattr(localstack, "ours", lambda: [])
    write(pytester, "question.yaml", scenario())
    pytester.makepyfile(f"def test_it(harness_run): assert harness_run({scenario()!r}).result.platform == 'embedded'")
    with answering(OTHERS["MiniStack 1.2.3"]) as other:
        monkeypatch.setattr(target, "LOCALSTACK_ENDPOINT", other.endpoint)
        result = pytester.runpytest_inprocess(".")
        assert other.asked == []
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"harness: MiniStack 1.2.3 answers at {other.endpoint} and is left alone*"])
