"""The documents say what is so: commands do what they say, parts are fresh, and links lead to something."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from source_tree import place, tracked

from harness.errors import UserError
from harness.scenario import SCHEMA_FILE
from tools import docs
from tools.markdown import Block, Command, anchors, commands, links, steps

ROOT = Path(__file__).parents[2]
DOCUMENTS = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in docs.documents(ROOT)}
SHIPPED = ("data", "lambda", "scenarios")

# Blocks with this mark are run by tests/localstack/test_docs_there.py.
ON_LOCALSTACK = "on LocalStack"
# Commands that no test runs, and why.
RUNS_TESTS = "runs tests, this one among them"
NOT_RUN = {
    "make run": "sets up an environment; what it then runs is the main job, whose table the README quotes",
    "make setup": "sets up an environment",
    "make test": RUNS_TESTS,
    "make bench": "takes minutes: tests/unit/test_bench.py has its parts",
    "make parity": "takes minutes: the gate plays 300 of its sequences",
    "ruff check . && ruff format --check . && mypy": "`make test` runs them",
    "pytest -q tests/unit/checkers": RUNS_TESTS,
    "pytest tests/localstack": RUNS_TESTS,
    "pytest tests/docker": RUNS_TESTS,
    "python -m tools.docs": "writes into the repository; that it would change nothing is tested below",
    "harness matrix": "takes minutes: tests/simulation/test_matrix.py plays a sample of the saved matrix",
    ". .venv/bin/activate": "the commands below find the same programs without it",
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """The documents, played side by side: their commands wait for each other in one document only."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = {name: tmp_path_factory.mktemp("document") for name in DOCUMENTS}
        yield {name: pool.submit(play_document, name, folder) for name, folder in folders.items()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_does_what_the_document_says(name: str, played: dict[str, Future[None]]) -> None:
    """One after another, in a folder with nothing but what is shipped and the files that the document shows."""
    played[name].result()


def play_document(name: str, folder: Path) -> None:
    for shipped in SHIPPED:
        (folder / shipped).symlink_to(ROOT / shipped)
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)}
    for step in steps(DOCUMENTS[name]):
        if isinstance(step, Block):
            write(folder / step.file, step.text)
        elif step.mark != ON_LOCALSTACK and step.line not in NOT_RUN:
            play(step, folder, environment)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def play(command: Command, folder: Path, environment: dict[str, str]) -> None:
    """The exit code is the one that is said, and the output is the one that is shown."""
    ended = subprocess.run(
        ["bash", "-c", command.line], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == command.exit_code, f"{command.line}\n{ended.stdout}{ended.stderr}"
    if command.output:
        shown = ".*?".join(map(re.escape, lines(command.output).split("…")))
        assert re.fullmatch(shown, lines(ended.stdout), re.DOTALL), f"{command.line}\n{ended.stdout}"


def lines(text: str) -> str:
    """Without the spaces that nobody sees."""
    return re.sub(r"[ \n]+$", "", re.sub(r" +$", "", text, flags=re.MULTILINE))


def test_what_is_not_run_is_written_somewhere() -> None:
    """The list of exceptions names no command that is in no document."""
    assert set(NOT_RUN) <= {command.line for text in DOCUMENTS.values() for command in commands(text)}


def test_generated_parts_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m tools.docs` would change nothing."""
    monkeypatch.chdir(ROOT)
    assert [name for name, text in DOCUMENTS.items() if docs.filled(text) != text] == []
    assert docs.PICTURE.read_text("utf-8") == docs.matrix_svg()
    assert SCHEMA_FILE.read_text("utf-8") == docs.scenario_schema()


def test_every_part_that_can_be_generated_is_in_one_document() -> None:
    """None is left out, and none is there twice."""
    parts = [part for text in DOCUMENTS.values() for part in re.findall(r"<!-- generated: (.+?) -->", text)]
    assert sorted(parts) == sorted(docs.PARTS)


def test_a_part_that_nobody_generates_is_an_error() -> None:
    """The message names the nearest part."""
    with pytest.raises(UserError, match="Did you mean 'faults'"):
        docs.filled("<!-- generated: fault -->\n<!-- end -->")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_a_file_and_a_heading_that_exist(name: str) -> None:
    """Within the repository; what is elsewhere is not asked."""
    broken = [target for target in links(DOCUMENTS[name]) if ":" not in target and not exists(target, name)]
    assert broken == []


def exists(target: str, name: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (ROOT / name).parent / path if path else ROOT / name
    if not anchor:
        return file.exists()
    return file.is_file() and anchor in anchors(file.read_text("utf-8"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_of_the_repository_that_is_named_exists(name: str) -> None:
    """In code style, below a folder that the repository has; a name may have a `*` in it."""
    tops = "|".join({place(file).partition("/")[0] for file in tracked() if file.parent != ROOT})
    paths = re.findall(rf"`((?:{tops})/[\w./*-]*)`", DOCUMENTS[name])
    assert [path for path in paths if not any(ROOT.glob(path))] == []


def test_every_document_that_the_code_names_exists() -> None:
    """Whoever reads a reference to a page can open it."""
    texts = {
        file: file.read_text("utf-8", "replace") for file in tracked() if file.suffix in (".py", ".yaml", ".jinja")
    }
    named = {(page, place(file)) for file, text in texts.items() for page in re.findall(r"\bdocs/[\w-]+\.\w+", text)}
    assert [(page, file) for page, file in sorted(named) if not (ROOT / page).is_file()] == []


def test_every_file_of_the_package_has_a_line() -> None:
    """docs/whats-here.md names each file of harness/ once, and no other; an `__init__.py` by its section or a row."""
    listed: list[str] = []
    for section in re.split(r"^## ", DOCUMENTS["docs/whats-here.md"], flags=re.MULTILINE)[1:]:
        folder = section.partition("\n")[0]
        rows = [row for row in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE) if row != "__init__.py"]
        listed += [folder + name for name in ("__init__.py", *rows)]
    files = [place(file) for file in tracked() if place(file).startswith("harness/")]
    assert sorted(listed) == sorted(files)
