"""The rules of this project that can be read from its files."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from source_tree import ROOT, module_of, place, sources, tracked, tree_of

from harness.faults import FAULTS
from harness.faults.base import Fault
from harness.lazy_table import LazyTable
from harness.workload import STREAM_WRITERS, WRITERS
from harness.workload.base import Writer

MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MODULES, MAX_FILES, MIN_MEAN_LINES = 400, 60, 20, 160, 120
VAGUE = {"util", "utils", "common", "helper", "helpers", "manager", "misc"}

# A bracket in each word keeps the pattern from finding itself.
FORBIDDEN = {
    "a path of one machine": r"/ho[m]e/\w|/ro[o]t/\w|/w[o]rk/\w|/Us[e]rs/\w|/priv[a]te/var",
    "a registry's address": r"p[y]pi\.org|python[h]osted|registry\.n[p]mjs|deb\.d[e]bian\.org|--(extra-)?ind[e]x-url",
    "a credential": r"\b(AK|AS)I[A][A-Z0-9]{16}\b|BEGIN [A-Z ]*PRIV[A]TE KEY|\bg[h]p_\w{20}|\bls-[a-zA-Z0-9]{8}-\w+",
}


def test_no_file_is_longer_than_400_lines() -> None:
    """A file fits into a reader's head."""
    lengths = {place(file): len(file.read_text("utf-8").splitlines()) for file in tracked() if file.suffix == ".py"}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    """A function fits onto a screen."""
    long = [
        place(file, node.lineno)
        for file in sources(".")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert long == []


def test_no_folder_holds_more_than_20_modules() -> None:
    """A listing of a folder can be read at a glance."""
    modules = Counter(place(file.parent) for file in sources("harness"))
    assert {folder: count for folder, count in modules.items() if count > MAX_MODULES} == {}


def test_the_package_has_at_most_160_files() -> None:
    """None of them is a fragment of another: a file has 120 lines in the mean."""
    lengths = [len(file.read_text("utf-8").splitlines()) for file in sources("harness")]
    assert len(lengths) <= MAX_FILES
    assert sum(lengths) / len(lengths) > MIN_MEAN_LINES


def test_no_class_name_is_defined_twice() -> None:
    """A name means one thing in the whole package."""
    places: dict[str, list[str]] = {}
    for file in sources("harness"):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(place(file, node.lineno))
    assert {name: defined for name, defined in places.items() if len(defined) > 1} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    """Files are named after the nouns of the field."""
    words = {place(file): set(re.split(r"[^a-z]+", place(file).lower())) for file in tracked()}
    assert [name for name, found in words.items() if found & VAGUE] == []


def test_every_module_says_what_it_is() -> None:
    """A docstring opens each module that holds anything."""
    files = [file for file in sources("harness", "lambda", "bench", "tools") if tree_of(file).body]
    assert [place(file) for file in files if not ast.get_docstring(tree_of(file))] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    """The project can be cloned anywhere, and shown to anybody."""
    pattern = re.compile(FORBIDDEN[what])
    found = [
        place(file, number)
        for file in tracked()
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_nothing_waits_for_a_fixed_time() -> None:
    """A sleep stands in a loop that looks again, is virtual, or takes the time that somebody else decided on."""
    files = sources("harness", "tests", "bench", "tools")
    assert [place(file, call.lineno) for file in files for call in _fixed_sleeps(tree_of(file))] == []


def _fixed_sleeps(tree: ast.AST, parameters: frozenset[str] = frozenset(), allowed: bool = False) -> Iterator[ast.Call]:
    """`parameters` are those of the function that encloses the node."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            yield from _fixed_sleeps(node, frozenset(each.arg for each in node.args.args))
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}:
            given = {name.id for each in node.args for name in ast.walk(each) if isinstance(name, ast.Name)}
            if not allowed and not given & parameters:
                yield node
        virtual = isinstance(node, ast.With) and "VirtualClock(" in ast.unparse(node.items[0])
        yield from _fixed_sleeps(node, parameters, allowed or virtual or isinstance(node, ast.While | ast.For))


@pytest.mark.parametrize(
    ("package", "contract", "word", "tables"),
    [("faults", Fault, "NAME", (FAULTS,)), ("workload", Writer, "OPERATION", (WRITERS, STREAM_WRITERS))],
)
def test_each_implementation_is_in_the_table_under_its_word(
    package: str, contract: type, word: str, tables: tuple[LazyTable[Any], ...]
) -> None:
    """Each class of the package that a scenario could name has a word, and each word has a class."""
    classes = {
        value
        for module in (import_module(f"harness.{module_of(file)}") for file in sources(f"harness/{package}"))
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, contract) and hasattr(value, word)
    }
    assert {value for table in tables for value in table.values()} == classes
    assert [name for table in tables for name, value in table.items() if getattr(value, word) != name] == []


def test_entry_points_can_be_loaded() -> None:
    """What pyproject.toml promises to pip and pytest is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    promised = [*project["scripts"].values(), *project["entry-points"]["pytest11"].values()]
    for entry in promised:
        module, _, attribute = entry.partition(":")
        assert not attribute or callable(getattr(import_module(module), attribute))


def test_constraints_name_a_version_of_every_dependency() -> None:
    """Two set-ups give the same environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {line.partition("==")[0].lower() for line in lines}
    assert {re.split(r"[\[<>=]", each)[0].lower() for each in wanted} <= pinned
