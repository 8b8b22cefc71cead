"""The page of rules, docs/semantics.md: what the project names is on it, and what it names is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pytest
from source_tree import ROOT, place, tracked

PAGE = ROOT / "docs" / "semantics.md"
TEXT = PAGE.read_text("utf-8")
CITING = ("harness/", "lambda/", "tests/", "scenarios/", "README.md", "docs/")

_ROW = re.compile(r"\| ([A-Z]-?\d+[a-z]?) \| (.+?) \| (.+?) \| (.+?) \|")
_ID = re.compile(r"\b(?:[SOGNP]-\d+[a-z]?|[EW]\d\d)\b")
_CASE = re.compile(r"\bW\d\d\b")
_SPAN = re.compile(r"\b([SOGNP])-(\d+)(?: to |…|\.\.\.)\1-(\d+)\b")
_LINK = re.compile(r"\[(\w+)\]")
_SOURCE = re.compile(
    r"\[\w+\]|botocore|recorded on AWS|measured: W|measured on |not documented: we assume|follows from "
)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule; `proof` is a dash where no test proves it."""

    id: str
    rule: str
    source: str
    proof: str

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.proof)


ROWS = [Row(*found.groups()) for line in TEXT.splitlines() if (found := _ROW.fullmatch(line))]
CASES = {case for row in ROWS for case in _CASE.findall(row.source)}


@cache
def citing() -> dict[str, str]:
    """The texts in which rows may be named, by their files."""
    files = [file for file in tracked() if place(file).startswith(CITING) and file != PAGE]
    return {place(file): file.read_text("utf-8", "replace") for file in files}


@cache
def cited() -> dict[str, str]:
    """Each id that stands in a file, with one such file."""
    return {id: file for file, text in citing().items() for id in _ID.findall(text)}


@cache
def spanned() -> frozenset[str]:
    """The ids that a first and a last one stand for."""
    spans = [span for text in citing().values() for span in _SPAN.findall(text)]
    return frozenset(f"{kind}-{n:02d}" for kind, first, last in spans for n in range(int(first), int(last) + 1))


def test_every_id_that_is_cited_has_a_row() -> None:
    """Whoever meets one can look it up; a measured case is in the row that it speaks for."""
    known = {row.id for row in ROWS} | CASES
    assert {id: file for id, file in cited().items() if id not in known} == {}


def test_every_row_is_cited_or_proved() -> None:
    """The page has nothing that the project has no use for."""
    assert [row.id for row in ROWS if row.id not in cited() and row.id not in spanned() and not row.tests] == []


def test_every_test_that_is_named_exists() -> None:
    """A proof is a file of tests, or a dash."""
    named = {name for row in ROWS for name in row.tests}
    assert [row.id for row in ROWS if not row.tests and row.proof != "-"] == []
    assert [name for name in sorted(named) if not re.fullmatch(r"tests/(\w+/)+test_\w+\.py", name)] == []
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_row_says_where_it_is_from() -> None:
    """An AWS page, the SDK, a recording, a measurement, another row, or that nobody knows."""
    assert [row.id for row in ROWS if not _SOURCE.search(row.source)] == []
    assert {id for row in ROWS for id in _ID.findall(row.source)} - CASES <= {row.id for row in ROWS}


def test_a_measured_case_is_one_of_the_conformance_suite_that_the_row_names() -> None:
    """A file that proves the row plays the case."""
    played = {
        row.id: {case for name in row.tests for case in _CASE.findall((ROOT / name).read_text("utf-8"))} for row in ROWS
    }
    assert [row.id for row in ROWS if not set(_CASE.findall(row.source)) <= played[row.id]] == []


def test_every_link_has_an_address_and_every_address_a_link() -> None:
    """All of them lead to AWS."""
    addresses = dict(re.findall(r"^\[(\w+)\]: (\S+)$", TEXT, re.MULTILINE))
    assert {name for row in ROWS for name in _LINK.findall(row.source)} == set(addresses)
    assert all(address.startswith("https://docs.aws.amazon.com/") for address in addresses.values())


@pytest.mark.parametrize("kind", ["S", "G", "O", "P"])
def test_rows_are_in_order_and_there_once(kind: str) -> None:
    """Each id is easy to find."""
    numbers = [int(row.id.lstrip(f"{kind}-")) for row in ROWS if row.id.startswith(kind)]
    assert numbers
    assert all(before < after for before, after in pairwise(numbers))


def test_what_was_chosen_is_marked_in_its_row() -> None:
    """Every row that nobody knows on AWS is among the choices."""
    chosen = set(re.findall(r"^\| (S-\d+) \| [^|]+ \| [^|]+ \|$", TEXT, re.MULTILINE))
    assert {row.id for row in ROWS if "not documented" in row.source} <= chosen <= {row.id for row in ROWS}


def test_the_readme_leads_to_the_page() -> None:
    """And the page stays short enough to be read."""
    assert "](docs/semantics.md)" in (ROOT / "README.md").read_text("utf-8")
    assert len(TEXT.splitlines()) < 200
