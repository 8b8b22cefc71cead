"""Scenarios: what is read, and what is said of what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenario_texts import FULL, SHORT, folder, load_text, problems, short

from harness.documents import parse
from harness.faults import FAULTS
from harness.scenario import json_schema
from harness.scenario.fields import Handler

# Below these the user chooses the keys.
FREE = ("environment", "parameters", "titles", "filter_criteria", "matrix", "expect", "differs")
KEYS = [
    path
    for path in parse(FULL, "").keys
    if not any(step in FREE for step in path[:-1]) and path[-2:-1] != ("sinks",)  # whose keys have fields again
]
EXPECT_KEYS = [path for path in parse(FULL, "").keys if path[0] in ("expect", "differs") and len(path) > 1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return folder(tmp_path)


def with_typo(text: str, path: tuple[Any, ...]) -> tuple[str, int]:
    """The text with the last letter of a key doubled, and the key's line."""
    place = parse(text, "").keys[path]
    lines = text.splitlines()
    line, end = lines[place.line - 1], place.column - 1 + len(path[-1])
    lines[place.line - 1] = line[:end] + line[end - 1] + line[end:]
    return "\n".join(lines), place.line


def test_the_full_scenario_is_read(project: Path) -> None:
    """Every field arrives with its value, durations in seconds."""
    scenario = load_text(project, FULL).variants[0].scenario
    assert scenario.pipeline.handler == Handler(project / "handlers" / "naive.py")
    assert scenario.pipeline.function.timeout == 3
    assert scenario.pipeline.function.environment == {"LEVEL": "3"}
    assert scenario.pipeline.mapping.settings() == {
        "by": "harness",
        "batch_size": 10,
        "maximum_batching_window_in_seconds": 5,
        "starting_position": "LATEST",
        "maximum_retry_attempts": 3,
        "maximum_record_age_in_seconds": 600,
        "bisect_batch_on_function_error": True,
        "report_batch_item_failures": True,
        "parallelization_factor": 2,
        "tumbling_window_in_seconds": 0,
        "filter_criteria": ({"eventName": ["INSERT"]},),
    }
    assert (scenario.workload.item_count, scenario.workload.sdk.max_attempts) == (10, 4)
    assert scenario.faults[0] == FAULTS["crash"](
        process="function",
        call="dynamodb.PutItem",
        intent="todo-1/*",
        item="todo-1",
        nth=(1, 3),
        times=2,
        probability=0.5,
        between=(0.5, 3600.0),
        when="before",
    )
    assert scenario.checkers == ("own_checkers:HandledLate",)
    assert (scenario.seeds, scenario.limits.drain) == ((0, 1, 2, 3), 93_600.0)


def test_the_full_scenario_has_every_field_of_the_schema() -> None:
    """So that the tests over its keys forget none: a field that is added must be added to it."""
    schema = json_schema()
    keys = {path[-1] for path in parse(FULL, "").keys}
    parts = [schema, *schema["$defs"].values()]
    assert {name for part in parts for name in part["properties"]} - keys == set()
    assert set(FAULTS) - keys == set()


def test_the_short_scenario_has_the_defaults(project: Path) -> None:
    """Without more than what is needed: no faults, seed 0, the template beside the handler, an item per intent."""
    variant = load_text(project, SHORT).variants[0]
    scenario = variant.scenario
    assert (variant.name, scenario.faults, scenario.seeds) == ("default", (), (0,))
    assert scenario.pipeline.template == project / "handlers" / "template.yaml"
    assert scenario.pipeline.mapping.settings() == {}
    assert (scenario.workload.item_count, scenario.workload.writers, scenario.pipeline.shards) == (3, 1, 1)
    assert (scenario.workload.sdk.retry_mode, scenario.workload.sdk.max_attempts) == (None, None)
    assert (scenario.limits.drive, scenario.limits.drain, scenario.limits.steps) == (3600, 93_600, 1_000_000)


@pytest.mark.parametrize("path", KEYS, ids=lambda path: ".".join(map(str, path)))
def test_a_typo_in_the_name_of_a_field_is_one_line(project: Path, path: tuple[Any, ...]) -> None:
    """It has the line of the key, and names the right word; nothing follows from it."""
    text, line = with_typo(FULL, path)
    (problem,) = problems(project, text)
    assert problem.startswith(f"x.yaml:{line}:")
    assert f"Did you mean '{path[-1]}'?" in problem
    assert "\n" not in problem


@pytest.mark.parametrize("path", EXPECT_KEYS, ids=lambda path: ".".join(map(str, path)))
def test_a_typo_in_an_expectation_is_one_line(project: Path, path: tuple[Any, ...]) -> None:
    """Of a pattern, the nearest variant is named; of a kind or of `blame`, the nearest word."""
    text, line = with_typo(
        FULL.replace("/*", "/before").replace("[before, after]", "[before]"),
        tuple(str(step).replace("/*", "/before") for step in path),
    )
    (problem,) = problems(project, text)
    assert problem.startswith(f"x.yaml:{line}:")
    assert f"Did you mean '{str(path[-1]).replace('/*', '/before')}'?" in problem


@pytest.mark.parametrize(
    "path, typo, word",
    [
        ("workload.writer", "workload.writr", "writer"),
        ("workload.writer", "worklod.writer", "workload"),
        ("crash.when", "crash.wen", "when"),
        ("crash.when", "crsh.when", "crash"),
    ],
)
def test_a_typo_in_a_path_of_the_matrix_is_one_line(project: Path, path: str, typo: str, word: str) -> None:
    """What the path would have set is not reported as missing."""
    text = FULL.replace("  writer: put\n", "").replace(f"{path}:", f"{typo}:")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if typo in line)
    (problem,) = problems(project, text)
    assert problem.startswith(f"x.yaml:{line}:3: matrix.")
    assert f"Did you mean '{word}'?" in problem


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"scenario": "Not A Name"}, "scenario: got 'Not A Name'; expected a text such as duplicate-put"),
        ({"question": ["why"]}, 'question: got ["why"]; expected a text'),
        ({"pipeline": 3}, "pipeline: got 3; expected a mapping"),
        ({"pipeline": {"shards": 9}}, "pipeline.shards: got 9; expected a whole number from 1 to 8"),
        ({"pipeline": {"shards": True}}, "pipeline.shards: got true; expected a whole number from 1 to 8"),
        ({"pipeline": {"mapping": {"batch_size": 10_001}}}, "got 10001; expected a whole number from 1 to 10000"),
        ({"pipeline": {"mapping": {"maximum_retry_attempts": -2}}}, "got -2; expected a whole number from -1 to 10000"),
        ({"pipeline": {"mapping": {"maximum_record_age_in_seconds": 59}}}, "got 59; expected -1 (until"),
        ({"pipeline": {"mapping": {"starting_position": "LATST"}}}, "got 'LATST'. Did you mean 'LATEST'?"),
        ({"pipeline": {"mapping": {"report_batch_item_failures": 1}}}, "got 1; expected true or false"),
        (
            {"pipeline": {"function": {"timeout": "16m"}}},
            "got '16m'; expected a whole number from 1 to 900 or the same",
        ),
        ({"pipeline": {"function": {"environment": {"A": [1]}}}}, "pipeline.function.environment.A: got [1]; expected"),
        ({"pipeline": {"handler": "handlers/naiv.py"}}, "no 'naiv.py' in 'handlers'. Did you mean 'naive.py'?"),
        ({"pipeline": {"handler": "handlrs/naive.py"}}, "no 'handlrs'. Did you mean 'handlers'?"),
        ({"pipeline": {"handler": "handlers"}}, "'handlers' is not a file but a folder. Known: "),
        ({"pipeline": {"handler": 3}}, "got 3; expected the path of a Python file"),
        ({"pipeline": {"template": "handlers/templates.yaml"}}, "Did you mean 'template.yaml'?"),
        ({"workload": {"writer": "putt"}}, "workload.writer: 'putt' is not a writer. Did you mean 'put'?"),
        ({"workload": {"writer": "no_module:Put"}}, "module 'no_module' cannot be imported"),
        ({"workload": {"writer": "harness.workload.writers:Putt"}}, "has no 'Putt'. Did you mean 'Put'?"),
        ({"workload": {"intents": "20"}}, "workload.intents: got '20'; expected a whole number from 1 to 10000"),
        ({"workload": {"intents": 2.5}}, "workload.intents: got 2.5; expected a whole number from 1 to 10000"),
        ({"workload": {"items": 4}}, "workload.items: got 4; expected at most 3"),
        ({"workload": {"sdk": {"retry_mode": "legcy"}}}, "Did you mean 'legacy'?"),
        ({"checkers": ["lost"]}, "checkers[0]: got 'lost'; expected module:Class: the built-in checkers always run"),
        ({"checkers": [3]}, "checkers[0]: got 3; expected module:Class"),
        ({"checkers": "own_checkers:HandledLate"}, "checkers: got 'own_checkers:HandledLate'; expected a list"),
        ({"checkers": ["no_module:Mine"]}, "checkers[0]: 'no_module:Mine' is not a checker: module 'no_module' cannot"),
        ({"checkers": ["own_checkers:HandledLat"]}, "has no 'HandledLat'. Did you mean 'HandledLate'?"),
        (
            {"checkers": ["own_checkers:Stranger"]},
            "'own_checkers:Stranger' is not a checker: it is no subclass of harness.checkers.base.Checker",
        ),
        ({"expect": {"invalid": {"own_checkers:HandledLate": 1}}}, "'own_checkers:HandledLate' is not in `checkers`"),
        ({"seeds": "9..1"}, "seeds: got '9..1', which is empty"),
        ({"seeds": "0..99999999999"}, "expected at most 10000 seeds"),
        ({"seeds": [1, -1]}, "seeds: got [1, -1]; expected a whole number from 0"),
        ({"seeds": []}, "seeds: got []; expected a whole number from 0"),
        ({"limits": {"drain": "3 days"}}, "limits.drain: got '3 days'; expected a number"),
        ({"limits": {"drive": 0}}, "limits.drive: got 0; expected a number above 0"),
        ({"expect": "vlid"}, "expect: got 'vlid'. Did you mean 'valid'?"),
        ({"expect": {"invald": {"lost": 1}}}, "Did you mean 'invalid'?"),
        ({"expect": {"invalid": {"lost": "many"}}}, "expect.invalid.lost: got 'many'; expected a number"),
        ({"expect": {"invalid": {"blame": "writr"}}}, "expect.invalid.blame: got 'writr'. Did you mean 'writer'?"),
        ({"expect": ["valid"]}, 'expect: got ["valid"]; expected one of valid, invalid'),
    ],
)
def test_a_wrong_value_is_one_line(project: Path, changes: dict[str, Any], sentence: str) -> None:
    """It says where, what was got, and what is valid."""
    (problem,) = problems(project, short(**changes))
    assert sentence in problem


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(project: Path) -> None:
    """A mapping that lacks a key is pointed at; other problems are still said."""
    text = (
        SHORT.replace("{writer: put, intents: 3}", "{writer: putt}").replace("short", "Short")
        + "seeds: x\nfaults: [crsh]"
    )
    found = problems(project, text)
    assert [problem.split(": ")[0] for problem in found] == [
        "x.yaml:1:11",
        "x.yaml:4:11",
        "x.yaml:4:20",
        "x.yaml:6:8",
        "x.yaml:7:10",
    ]
    assert "workload: 'intents' is missing: How many changes are wanted in all." in found[1]
