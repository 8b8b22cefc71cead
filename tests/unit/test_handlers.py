"""The handlers in lambda/ are systems under test, those in tests/mutants have one planted bug each."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED_NAMES = ("change", "effects", "changes", "post")
HANDLERS = sorted(path for path in (ROOT / "lambda").glob("*/*.py") if path.stem not in SHARED_NAMES)
MUTANTS = sorted(path for path in (ROOT / "tests" / "mutants").glob("*.py") if path.stem != "effects")
POWERTOOLS = ROOT / "lambda" / "powertools" / "powertools.py"
SHARED = ROOT / "lambda" / "ledger" / "effects.py"
SHARED_BY_SINKS = [ROOT / "lambda" / "sinks" / name for name in ("changes.py", "post.py")]


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def docstring(path: Path) -> str:
    return " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").lower().split())


def imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", [*HANDLERS, *MUTANTS], ids=name)
def test_each_file_defines_the_handler_that_lambda_calls(path: Path) -> None:
    """A handler takes an event and a context."""
    tree = ast.parse(path.read_text())
    handlers = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"]
    assert [[argument.arg for argument in handler.args.args] for handler in handlers] == [["event", "context"]]


@pytest.mark.parametrize("path", [*HANDLERS, *MUTANTS, SHARED, *SHARED_BY_SINKS], ids=name)
def test_no_handler_knows_of_the_harness(path: Path) -> None:
    """A zip root imports itself, boto3, the standard library and what it asks for: it can be deployed as it is."""
    own = {sibling.stem for sibling in path.parent.glob("*.py")}
    file = path.with_name("requirements.txt")
    asked = file.read_text().split() if file.exists() else []
    own |= {re.split("[<>=]", line)[0].replace("-", "_") for line in asked}
    standard = {"__future__", "base64", "collections", "contextlib", "json", "os", "time", "typing", "urllib", "uuid"}
    assert imports(path) <= own | standard | {"boto3", "botocore"}


@pytest.mark.parametrize("path", HANDLERS, ids=name)
def test_each_handler_says_when_it_is_exactly_once(path: Path) -> None:
    """The docstring of a handler says under which conditions it is exactly-once, and when it is not."""
    assert "exactly-once" in docstring(path)


@pytest.mark.parametrize("path", MUTANTS, ids=name)
def test_each_mutant_names_its_bug_and_what_shows_it(path: Path) -> None:
    """The docstring of a mutant names one bug, how many faults show it, and the anomaly that it is shown as."""
    text = docstring(path)
    assert "with one bug: " in text
    assert any(f"shown by {count}" in text for count in ("no fault at all", "one fault: ", "two faults: "))
    assert any(f"({anomaly}" in text for anomaly in ("lost", "duplicated", "wrong final state"))


def test_mutants_differ_from_right_handlers_in_their_bug_alone() -> None:
    """What the handlers share is the same text, so that no mutant can have a second bug in it.

    A link would lead out of the code folder, which is refused.
    """
    assert (POWERTOOLS.parent / "effects.py").read_text() == SHARED.read_text()
    assert (ROOT / "tests" / "mutants" / "effects.py").read_text() == SHARED.read_text()
