"""Templates as they are published: each of tests/published has one habit, which its name says, and all are played."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from play import ROOT

from harness.pipeline.template import stream_functions
from harness.trying import Player

FOLDER = ROOT / "tests" / "published"
TEMPLATES = {file.stem: file for file in FOLDER.glob("*.yaml")} | {
    folder.name: folder / "template.yaml" for folder in FOLDER.iterdir() if folder.is_dir()
}
# What `try` finds, by the template: the exit code, and the worst outcome of a fault.
FINDINGS = {
    "archives_what_goes": (0, None),
    "counter": (1, "DUPLICATED"),
    "filter_criteria": (0, None),
    "kinds_in_keys": (1, "DUPLICATED"),
    "mails_and_measures": (1, "UNKNOWN"),
    "names_in_constants": (1, "DIFFERENT"),
    "one_object_per_batch": (1, "DUPLICATED"),
    "plain_text": (1, "DUPLICATED"),
    "random_keys": (1, "DUPLICATED"),
    "sends_a_batch": (1, "DUPLICATED"),
    "sends_events": (1, "DUPLICATED"),
    "starts_a_state_machine": (1, "DUPLICATED"),
    "swallowed_error": (1, "LOST"),
    "updates_the_source": (1, "DUPLICATED"),
}


def test_there_are_at_least_twenty() -> None:
    """The README's promise is kept by examples; whoever finds another habit adds a template."""
    assert len(TEMPLATES) >= 20
    assert set(FINDINGS) < set(TEMPLATES)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_template_is_played(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is: the handler takes the items that are made up for it."""
    monkeypatch.chdir(tmp_path)
    parameters = {"Stage": "dev"} if name == "parameter_without_default" else {}
    for function in stream_functions(TEMPLATES[name], parameters):
        assert Player(TEMPLATES[name], function, parameters).probe() == ""


@pytest.mark.parametrize("name", FINDINGS)
def test_what_is_found_is_right(name: str, harness: Any) -> None:
    """Each was checked by hand against the code."""
    said = harness("try", TEMPLATES[name])
    worst = re.search(r"^(LOST|DUPLICATED|DIFFERENT|UNKNOWN)", said.out, re.MULTILINE)
    assert (said.code, worst and worst[1]) == FINDINGS[name], said.out
