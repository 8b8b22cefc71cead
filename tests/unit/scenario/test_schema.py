"""The JSON Schema of scenarios says what the reading says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from json_schema import fits
from scenario_texts import FULL, SHORT, short

from harness.documents import parse
from harness.faults import FAULTS
from harness.scenario import json_schema

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))


def objects(part: Any) -> list[dict[str, Any]]:
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [part] * (isinstance(part, dict) and "properties" in part) + [each for one in inner for each in objects(one)]


@pytest.mark.parametrize("text", [FULL, SHORT, *(path.read_text() for path in SCENARIOS)])
def test_a_right_scenario_fits(text: str) -> None:
    """The full one, the short one, and all that come with the harness."""
    assert fits(parse(text, "").value, json_schema())


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"scenario": "Not A Name"},
        {"pipeline": {"shards": 9}},
        {"pipeline": {"mapping": {"batch_sise": 1}}},
        {"pipeline": {"mapping": {"maximum_record_age_in_seconds": 59}}},
        {"pipeline": {"function": {"timeout": "three seconds"}}},
        {"workload": {"writer": "putt"}},
        {"workload": {"intents": "20"}},
        {"faults": "crash"},
        {"faults": ["crsh"]},
        {"faults": [{"crsh": None}]},
        {"faults": [{"crash": {"whn": "after"}}]},
        {"faults": [{"crash": {"when": "aftr"}}]},
        {"faults": [{"crash": {"probability": 2}}]},
        {"faults": [{"crash": {"between": [1]}}]},
        {"faults": [{"crash": {"between": ["1m", "2x"]}}]},
        {"faults": [{"crash": None, "noop": None}]},
        {"checkers": ["lost"]},
        {"checkers": "mine:Own"},
        {"matrix": {"workload.writer": "put"}},
        {"matrix": {"faults": [["crash"]]}},
        {"expect": "vald"},
        {"expect": {"invalid": {"duplicate": 1}}},
        {"expect": {"put": {"invalid": {"blame": "lambda"}}}},
        {"seeds": "0-49"},
        {"seeds": []},
        {"limits": {"drive": 0}},
        {"limits": {"drive": "1 hour"}},
    ],
)
def test_a_wrong_scenario_does_not_fit(changes: dict[str, Any]) -> None:
    """So an editor marks what the reading would refuse."""
    assert not fits(yaml.safe_load(short(**changes)), json_schema())


@pytest.mark.parametrize("key", ["scenario", "question", "pipeline", "workload", "expect"])
def test_what_a_scenario_must_have_is_required(key: str) -> None:
    """The rest has defaults."""
    scenario = yaml.safe_load(SHORT)
    del scenario[key]
    assert not fits(scenario, json_schema())


@pytest.mark.parametrize(
    "fault",
    [
        *FAULTS,
        *({word: None} for word in FAULTS),
        {"crash": {"nth": [1, 2]}},
        "my_faults:Mine",
        {"my_faults:Mine": None},
    ],
    ids=str,
)
def test_a_fault_fits_one_form(fault: Any) -> None:
    """By its word or by a class, alone or with fields."""
    assert fits(yaml.safe_load(short(faults=[fault])), json_schema())


def test_every_field_is_described_in_one_line_and_no_other_is_allowed() -> None:
    """The reference is made from the descriptions."""
    parts = objects(json_schema())
    assert len(parts) > len(FAULTS)
    for part in parts:
        assert part["additionalProperties"] is False
    for part in [json_schema(), *json_schema()["$defs"].values()]:
        for name, field in part["properties"].items():
            assert field.get("description"), name
            assert "\n" not in field["description"], name


def test_a_fault_is_described_by_its_docstring() -> None:
    """The text before the fields is the fault's, and each field has the text after its name."""
    crash = json_schema()["$defs"]["crash"]
    assert crash["description"].startswith("The function's process dies")
    assert crash["properties"]["when"]["description"].startswith("before or after the call")
    assert crash["properties"]["item"]["description"] == crash["properties"]["intent"]["description"] == "a glob."
