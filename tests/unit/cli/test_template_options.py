"""Which template a command is about, as which stack; and what is said where that is not clear."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.cli.options import TemplateChoice
from harness.errors import UserError

ROOT = Path(__file__).parents[3]
UNTOLD = TemplateChoice(None, None, (), None)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_one_in_the_current_folder_comes_before_the_shipped_one(here: Path) -> None:
    """And the stack is called as the folder is."""
    with pytest.raises(UserError, match=r"no template is here: looked for template\.yaml, .*Name one with --template"):
        _ = UNTOLD.template
    (here / "lambda" / "ledger").mkdir(parents=True)
    (here / "lambda" / "ledger" / "template.yaml").touch()
    assert (str(UNTOLD.template), UNTOLD.name) == ("lambda/ledger/template.yaml", "ledger")
    (here / "template.json").touch()
    assert (str(UNTOLD.template), UNTOLD.name) == ("template.json", "shop")
    assert TemplateChoice(Path("a/b.yaml"), "mine", (), None).name == "mine"


def test_a_parameter_has_a_name_and_a_value(here: Path) -> None:
    """Every one that has not is named."""
    shutil.copytree(ROOT / "lambda" / "ledger", here / "lambda" / "ledger")
    given = TemplateChoice(None, None, ("Handler", "x"), None)
    with pytest.raises(UserError, match="--parameter Handler: expected NAME=VALUE\n--parameter x: expected"):
        given.read()
    assert TemplateChoice(None, None, ("Handler=naive.handler",), None).read().function.handler == "naive.handler"


def test_a_command_without_a_template_says_so_in_one_line() -> None:
    """With the exit code of a user's mistake."""
    done = CliRunner().invoke(main, ["synth"])
    assert (done.exit_code, done.output.count("\n")) == (254, 1)
    assert done.output.startswith("no template is here")
