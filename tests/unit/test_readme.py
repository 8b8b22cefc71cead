"""The README says what is so: its generated parts are fresh, and its commands do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import readme
from harness.errors import UserError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")

# Commands that no test runs, and why.
ON_LOCALSTACK = "needs a LocalStack: tests/localstack/test_readme_there.py runs it"
NOT_RUN = {
    "make run": "sets up an environment; what it then runs is the main job, whose output is compared here",
    "make test": "runs this very test",
    "harness matrix": "takes minutes: tests/simulation/test_matrix.py plays a sample of what it said",
    ". .venv/bin/activate": "the commands below find the same programs without it",
    "harness up --runtime host": ON_LOCALSTACK,
    "harness run scenarios/crash.yaml --variant 'between/*' --platform localstack": ON_LOCALSTACK,
    "harness down --stacks": ON_LOCALSTACK,
    "harness status": ON_LOCALSTACK,
    "harness down": ON_LOCALSTACK,
    "harness diff": ON_LOCALSTACK,
    "harness deploy": ON_LOCALSTACK,
    "harness load data/todos.yaml": ON_LOCALSTACK,
    "harness deploy --parameter Handler=naive.handler": ON_LOCALSTACK,
    "harness destroy --yes": ON_LOCALSTACK,
    "harness watch --scenario scenarios/baseline.yaml": ON_LOCALSTACK,
}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# (\S+\.\w+)\n")
_COMMAND = re.compile(r"(.+?)(?:\s{2,}# (?:exit code (\d+)|.*))?")


def blocks() -> list[tuple[str, str]]:
    """Language and text of each fenced block."""
    return [(found[1], found[2]) for found in _BLOCK.finditer(TEXT)]


def commands() -> list[tuple[str, int]]:
    """Each command with its exit code, in the order of the page."""
    lines = [line for language, text in blocks() if language == "sh" for line in text.splitlines()]
    found = [_COMMAND.fullmatch(line) for line in lines]
    return [(match[1], int(match[2] or 0)) for match in found if match]


def write_files(folder: Path) -> None:
    """The files that the page shows, under the names that their first lines give."""
    for _, text in blocks():
        if named := _FILE.match(text):
            file = folder / named[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")


def test_every_command_does_what_the_readme_says(tmp_path: Path) -> None:
    """One after another, in a folder with nothing but the scenarios, the handlers and the files that the page shows."""
    for shipped in ("lambda", "scenarios"):
        (tmp_path / shipped).symlink_to(ROOT / shipped)
    write_files(tmp_path)
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)}
    for command, expected in commands():
        if command not in NOT_RUN:
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"


def test_what_is_not_run_is_there() -> None:
    """The list of exceptions names nothing that the page no longer has, and the page has commands beside them."""
    found = {command for command, _ in commands()}
    assert set(NOT_RUN) < found


def test_generated_parts_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m harness.readme README.md` would change nothing."""
    monkeypatch.chdir(ROOT)
    assert readme.filled(TEXT) == TEXT


def test_every_part_that_can_be_generated_is_there() -> None:
    """The page leaves none of them out."""
    assert re.findall(r"<!-- generated: (.+?) -->", TEXT) == list(readme.PARTS)


def test_every_scenario_has_a_line() -> None:
    """With the question that it asks."""
    for file in sorted((ROOT / "scenarios").glob("*.yaml")):
        question = re.search(r"^question: (.+)$", file.read_text("utf-8"), re.MULTILINE)
        assert question, file
        assert f"| `scenarios/{file.name}` | {question[1]} |" in TEXT


def test_a_part_that_nobody_generates_is_an_error() -> None:
    """The message names the nearest part."""
    with pytest.raises(UserError, match="Did you mean 'faults'"):
        readme.filled("<!-- generated: fault -->\n<!-- end -->")


def test_links_lead_somewhere() -> None:
    """Every file that the page links to is there."""
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert [target for target in targets if not (ROOT / target).exists()] == []
