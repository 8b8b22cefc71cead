"""The commands, whole: what they print, what they leave, and how they exit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, document, yaml_file

COUNTS = (
    *("intents", "acknowledged", "unknown", "records", "deliveries", "executions", "effects"),
    *("lost", "duplicated", "phantom", "reordered", "dead_lettered"),
)
KEYS = (
    *("scenario", "variant", "platform", "seed", "verdict", "expectation_met", "counts", "faults"),
    *("anomalies", "run_folder"),
)


def test_run_ends_with_a_table_and_0_when_every_expectation_is_met(harness: Any, scenario: Path) -> None:
    """One row for each variant, plain lines of progress on standard error, and a folder for each run."""
    said = harness("run", scenario)
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines()]
    assert [row[0] for row in rows if "valid" in row] == ["naive", "idempotent"]
    assert said.err.splitlines() == [
        "platform: embedded",
        "1/2 small / naive   seed 0   valid, as expected",
        "2/2 small / idempotent   seed 0   valid, as expected",
    ]
    assert "\x1b" not in said.out + said.err
    assert len([folder for folder in Path("runs/small").iterdir() if not folder.is_symlink()]) == 2
    assert Path("runs/small/latest").resolve().is_dir()


def test_run_ends_with_1_when_an_expectation_is_violated(harness: Any, crashing: Path) -> None:
    """The finding says what happened, whom to blame, what was expected, and how to run and to judge it again."""
    said = harness("run", crashing)
    assert said.code == 1
    assert "INVALID" in said.out
    assert "duplicated: function" in said.out
    assert "blame: function" in said.out
    assert "expected valid" in said.out
    assert "python -m harness run " in said.out
    assert "python -m harness check runs/" in said.out


def test_a_violation_beats_what_is_unknown(harness: Any, crashing: Path, tmp_path: Path) -> None:
    """1 before 2 before 0."""
    vain = yaml_file(tmp_path / "vain.yaml", document(faults=[{"crash": {"nth": 999}}]))
    assert harness("run", vain).code == 2
    assert harness("run", crashing, vain).code == 1


@pytest.mark.parametrize(
    "values, reason",
    [
        (document(faults=[{"crash": {"nth": 999}}]), "faults[0]: crash never fired; "),
        (document(faults=[{"crash": {"intent": "nobody/1"}}]), "faults[0]: crash never fired; 0 points matched"),
        (
            document(
                mapping={"batch_size": 100, "maximum_batching_window_in_seconds": 200},
                limits={"drive": 1, "drain": 5},
            ),
            "limits.drain",
        ),
        (document(limits={"steps": 90}), "limits.steps was reached"),
        (document(limits={"steps": 60, "drive": 0.01}), "limits.steps was reached"),
        (
            document(LEDGER / "poison.py", workload={"titles": {"todo-0": "poison"}}, limits={"drain": 7200}),
            "limits.drain",
        ),
    ],
    ids=["never at that nth", "no such intent", "drain bound", "steps bound", "steps bound in drain", "never quiet"],
)
def test_what_proves_nothing_is_unknown(harness: Any, tmp_path: Path, values: Any, reason: str) -> None:
    """A fault that never fired, a drain that hit its bound, a run that took too many steps: unknown, exit 2."""
    said = harness("run", yaml_file(tmp_path / "vain.yaml", values))
    assert said.code == 2, said.out
    assert "UNKNOWN" in said.out
    assert reason in said.out


def test_what_is_expected_to_be_unknown_is_met(harness: Any, tmp_path: Path) -> None:
    """The expectation decides the exit code, not the verdict."""
    values = document(faults=[{"crash": {"nth": 999}}], expect="unknown")
    assert harness("run", yaml_file(tmp_path / "vain.yaml", values)).code == 0


def test_seeds_and_variants_are_chosen_on_the_command_line(harness: Any, scenario: Path) -> None:
    """--seed, --seeds and --variant (a glob) say which runs there are."""

    def ran(*arguments: str) -> list[tuple[str, int]]:
        return [(run["variant"], run["seed"]) for run in harness("run", scenario, *arguments, "--json", "-").json]

    assert ran("--seed", "7") == [("naive", 7), ("idempotent", 7)]
    assert ran("--seeds", "3..5", "--variant", "naive") == [("naive", 3), ("naive", 4), ("naive", 5)]
    assert ran("--seeds", "3", "--variant", "naive") == [("naive", 3)]
    assert ran("--variant", "i*") == [("idempotent", 0)]


def test_set_overrides_a_field(harness: Any, scenario: Path) -> None:
    """--set path=value, several times; the value is YAML."""
    said = harness(
        *("run", scenario, "--variant", "naive", "--json", "-"),
        *("--set", "workload.intents=4", "--set", "workload.items=2", "--set", "faults=[{crash: {nth: 1}}]"),
    )
    (run,) = said.json
    assert run["counts"]["intents"] == 4
    assert [fault["fired"] for fault in run["faults"]] == [1]


def test_json_goes_to_a_file_or_to_standard_output(harness: Any, crashing: Path) -> None:
    """To a file beside the table; with `-` nothing but JSON is on standard output. Its keys are the documented ones."""
    beside = harness("run", crashing, "--json", "results.json")
    alone = harness("run", crashing, "--json", "-")
    written = json.loads(Path("results.json").read_text())
    assert "INVALID" in beside.out
    assert (beside.code, alone.code) == (1, 1)
    for runs in (written, alone.json):
        assert [run["variant"] for run in runs] == ["naive", "poison"]
        for run in runs:
            assert set(KEYS) <= set(run)
            assert set(COUNTS) <= set(run["counts"])
            assert {"fault", "armed", "fired"} <= set(run["faults"][0])
            assert Path(run["run_folder"]).is_dir()
    anomaly = written[0]["anomalies"][0]
    assert set(anomaly) == {"kind", "subject", "blame", "summary", "why", "operations"}
    assert (anomaly["kind"], anomaly["blame"]) == ("duplicated", "function")


def test_several_scenarios_run_in_their_order(harness: Any, scenario: Path, crashing: Path) -> None:
    """Every problem of every file is found before anything runs."""
    said = harness("run", crashing, scenario, "--json", "-")
    assert [run["scenario"] for run in said.json] == ["small"] * 4
    assert [run["verdict"] for run in said.json] == ["invalid", "valid", "valid", "valid"]


# The user's mistakes: 254, and where they are.


def test_a_typo_is_told_with_its_line_and_the_nearest_word(harness: Any, scenario: Path) -> None:
    """One line for each problem: file:line:column, where, what, and what was meant. Nothing has run."""
    text = scenario.read_text().replace("batch_size", "bach_size").replace("writer: put", "writer: putt")
    scenario.write_text(text)
    lines = text.splitlines()
    said = harness("run", scenario)
    assert said.code == 254
    assert said.out == ""
    told = said.err.splitlines()
    for word, meant in (("bach_size", "batch_size"), ("putt", "put")):
        line = next(number for number, text in enumerate(lines, 1) if word in text)
        (message,) = [one for one in told if f"'{word}'" in one]
        assert message.startswith(f"{scenario}:{line}:")
        assert f"Did you mean '{meant}'?" in message
    assert len(told) == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "arguments, word",
    [
        (("--seed", "1", "--seeds", "1..2"), "--seed and --seeds"),
        (("--seeds", "9..1"), "--seeds"),
        (("--variant", "navie"), "Did you mean 'naive'?"),
        (("--set", "workload.intents"), "PATH=VALUE"),
        (("--set", "workload.intent=5"), "Did you mean 'intents'?"),
        (("--set", "workload.intents=many"), "workload.intents"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_a_wrong_argument_is_told(harness: Any, scenario: Path, arguments: tuple[str, ...], word: str) -> None:
    """254, the argument, and what is valid."""
    said = harness("run", scenario, *arguments)
    assert (said.code, said.out) == (254, "")
    assert word in said.err


def test_a_file_that_is_not_there_is_told(harness: Any) -> None:
    """254, with its name."""
    said = harness("run", "nowhere.yaml")
    assert said.code == 254
    assert "nowhere.yaml" in said.err


def test_what_is_not_imitated_is_the_users_to_know(harness: Any, tmp_path: Path) -> None:
    """A setting that the platform does not imitate is refused by its name, before anything is delivered."""
    values = document(mapping={"tumbling_window_in_seconds": 30})
    said = harness("run", yaml_file(tmp_path / "window.yaml", values))
    assert said.code == 254
    assert "tumbling_window_in_seconds" in said.err


def test_a_mistake_of_the_harness_is_255(harness: Any, scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a verdict: it is told as ours, with where it happened."""

    def broken(*_: object) -> None:
        raise RuntimeError("our own")

    monkeypatch.setattr("harness.runner._play", broken)
    said = harness("run", scenario)
    assert said.code == 255
    assert "RuntimeError: our own" in said.err
    assert "mistake of the harness" in said.err
