"""The command line as a whole: its table of commands, their help, and the project's defaults."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.cli import COMMANDS, main

ROOT = Path(__file__).parents[3]
NOT_FOR_LINTING = {
    *("boto3", "botocore", "docker", "filelock", "jinja2", "moto", "msgspec", "packaging", "pydantic", "rich"),
    *("samtranslator", "subprocess"),
    *("harness.checkers.base", "harness.delivery.redelivery", "harness.delivery.sources"),
    *("harness.faults.actions", "harness.faults.platform", "harness.faults.wire", "harness.localstack.health"),
}


def harness(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "harness", *words], cwd=cwd, capture_output=True, text=True)


def command_named(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name: str) -> None:
    """The sentence in `--help` is the first one of the command's own help."""
    help_text = command_named(name).help or ""
    assert " ".join(help_text.split("\n\n")[0].split()) == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_an_example_that_it_accepts(name: str) -> None:
    """The words after `Example:` are parsed by the command itself."""
    (line,) = [line for line in (command_named(name).help or "").splitlines() if "Example:" in line]
    words = shlex.split(line.partition("Example:")[2].partition(" > ")[0])
    assert words[:4] == ["python", "-m", "harness", name]
    command_named(name).make_context(name, words[4:])


def test_help_and_version_load_no_command() -> None:
    """They are printed in the time that click takes."""
    code = "import sys\nfrom harness.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted(name for name in ('boto3', 'moto', 'pydantic', 'yaml', 'rich') if name in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"


def test_linting_loads_what_a_scenario_names_and_no_more() -> None:
    """No SDK, and nothing of what happens in a run: actions, deliveries, checkers, and the faults of other words."""
    code = "import sys\nfrom harness.cli import main\ntry: main(['lint', 'scenarios/crash.yaml'])\n"
    code += f"except SystemExit: pass\nprint(sorted({NOT_FOR_LINTING!r} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert printed.splitlines() == ["no problems in 1 scenario file(s) with 12 variant(s)", "[]"]


def test_windows_is_refused_in_a_sentence() -> None:
    """Nothing on the way there needs what Windows lacks."""
    code = "import sys; sys.modules['fcntl'] = None; from harness.cli import main\n"
    code += "sys.platform = 'win32'; main(['run', 'x.yaml'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (254, "harness runs on Linux and macOS. On Windows, run it in WSL 2.\n")


def test_a_project_sets_defaults(tmp_path: Path) -> None:
    """[tool.harness] says where runs go and with which seeds; the command line wins; a subfolder sees it too."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n\n[tool.harness]\nplatform = "embedded"\nruns = "out"\nseeds = "3..4"\n'
    )
    scenario = str(ROOT / "scenarios" / "baseline.yaml")
    ended = harness("run", scenario, cwd=tmp_path / "inner")
    assert ended.returncode == 0, ended.stderr
    assert "platform: embedded" in ended.stderr
    assert {folder.name.rpartition("-")[2] for folder in (tmp_path / "out" / "baseline").glob("2*")} == {"3", "4"}
    again = harness("run", scenario, "--seed", "5", "--runs", "mine", cwd=tmp_path / "inner")
    assert again.returncode == 0, again.stderr
    assert [folder.name[-2:] for folder in (tmp_path / "inner" / "mine" / "baseline").glob("2*")] == ["-5"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'seed = "3"',
            "'seed' is not a key of [tool.harness]. Did you mean 'seeds'? Known: platform, ",
        ),
        ('platform = "aws"', "platform: got 'aws'; expected embedded or localstack"),
        ("processes = 0", "processes: got 0; expected a whole number from 1 to 64"),
        ("runs = 3", "runs: got 3; expected a folder, as text"),
        ("seeds = true", 'seeds: got True; expected a number, or "0..49"'),
    ],
)
def test_a_wrong_default_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    """File, line, what was got, what is valid, and the nearest valid word."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.other]\nseed = 1\n\n[tool.harness]\n{line}\n")
    ended = harness("list", cwd=tmp_path)
    assert ended.returncode == 254
    assert ended.stderr.startswith(f"{tmp_path / 'pyproject.toml'}:5: {message}")


def test_a_pyproject_of_others_is_left_alone(tmp_path: Path) -> None:
    """Without the table nothing of the file is read, however broken it is."""
    (tmp_path / "pyproject.toml").write_text("[broken\n")
    assert harness("schema", cwd=tmp_path).returncode == 0
