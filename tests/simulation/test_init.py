"""`init` writes what can be run at once, or what needs only the user's own words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main

OWN = Path(__file__).parents[1] / "own_template"


def harness(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_empty_folder_gets_a_pipeline_that_is_valid(there: Path) -> None:
    """Template, handler and scenario; the command that it names runs them, with the fault that they are about."""
    said = harness("init", "shop")
    assert said.exit_code == 0, said.output
    assert [str(file.relative_to(there)) for file in sorted((there / "shop").rglob("*.*"))] == [
        "shop/scenario.yaml",
        "shop/src/app.py",
        "shop/template.yaml",
    ]
    command = said.output.splitlines()[-1].split()
    assert command == ["python", "-m", "harness", "run", "shop/scenario.yaml"]
    done = harness(*command[3:], "--platform", "embedded")
    assert done.exit_code == 0, done.output
    assert "valid" in done.output


def test_the_current_folder_is_meant_unless_one_is_named(there: Path) -> None:
    """The scenario is named after it."""
    (there / "My Shop").mkdir()
    assert harness("init", "My Shop").exit_code == 0
    assert "scenario: my-shop\n" in (there / "My Shop" / "scenario.yaml").read_text()
    assert harness("init").exit_code == 0
    assert (there / "scenario.yaml").is_file()


def test_what_is_there_is_left_as_it_is(there: Path) -> None:
    """Nothing is written when one of the files would be written over."""
    (there / "scenario.yaml").write_text("mine")
    said = harness("init")
    assert said.exit_code == 254
    assert "scenario.yaml: is there already, and is left as it is" in said.output
    assert [file.name for file in there.iterdir()] == ["scenario.yaml"]
    assert (there / "scenario.yaml").read_text() == "mine"


@pytest.mark.parametrize("own", ["orders", "readings"])
def test_a_foreign_template_gets_a_scenario(own: str, there: Path) -> None:
    """It names the function, the tables that may be sinks and the keys of items, and there is no mistake in it."""
    shutil.copytree(OWN / own, there / own, ignore=shutil.ignore_patterns("scenario.yaml"))
    said = harness("init", own)
    assert said.exit_code == 0, said.output
    checked = harness("lint", f"{own}/scenario.yaml")
    assert checked.exit_code == 0, checked.output
    text = (there / own / "scenario.yaml").read_text()
    if own == "readings":
        assert "  function: Projector   # or Alarm\n" in text
        assert "    Newest: {role: ledger, intent: intent}\n    AlarmLog:" in text
        assert "- {site: readings-2, sensor: 2}\n" in (there / own / "items.yaml").read_text()
    else:
        assert "function:" not in text
        assert "    InvoicesTable: {role: ledger, intent: intent}\nworkload:" in text


def test_a_template_that_is_no_pipeline_is_refused(there: Path) -> None:
    """With what is wrong in it, and where."""
    (there / "template.yaml").write_text("Resources: {Bucket: {Type: AWS::S3::Bucket}}")
    said = harness("init")
    assert said.exit_code == 254
    assert "template.yaml:1:1: Resources: a pipeline has one AWS::Lambda::EventSourceMapping" in said.output
