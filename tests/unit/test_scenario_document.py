"""A scenario's text: what values come out, and where each of them was written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.scenario_document import Document, DocumentPath, parse, parse_path, path_text

NAMES = st.text("abcxyz_-", min_size=1, max_size=5)
# PyYAML writes U+0085 as it is, where it stands for a line's end: what it wrote is another text by its own reading too.
TEXTS = st.text(st.characters(exclude_characters="\x85", exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def problem(text: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        parse(text, "x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "text, value",
    [
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01 10:00:00", "2024-05-01 10:00:00"),
        ("on", "on"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("0..49", "0..49"),
        (".nan", ".nan"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'7'", "7"),
        ("&a [1, 2]", [1, 2]),
        ("{a: &x 1, b: *x}", {"a": 1, "b": 1}),
        ("{on: 1, 2: 3}", {"on": 1, "2": 3}),
        ("", None),
    ],
)
def test_words_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    """A date, a time and `on` are texts; a key is always a text."""
    assert parse(text, "x.yaml").value == value


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: a: 'a' is given twice: first in line 1"),
        ("a:\n  - {b: 1, b: 2}\n", "x.yaml:2:12: a[0].b: 'b' is given twice: first in line 2"),
        ("a: [1\nb: 2\n", "x.yaml:2:2: is not YAML: while parsing a flow sequence"),
        ("a: 1\n b: 2\n", "x.yaml:2:3: is not YAML: mapping values are not allowed here"),
        ("a: *b\n", "x.yaml:1:4: is not YAML: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: is not YAML: expected a single document"),
        ("a: !!timestamp 2024-05-01\n", "x.yaml:1:4: a: tag !!timestamp has no meaning here"),
        ("a: !Ref b\n", "x.yaml:1:4: a: tag !Ref has no meaning here"),
        ("? [a]\n: 1\n", "x.yaml:1:3: a key is a text"),
        ("a: 1e999\n", "x.yaml:1:4: a: 1e999 is too large a number"),
        (b"a: \xff\n", "x.yaml: is not YAML: "),
        ("&a [*a]", "x.yaml: is nested too deeply, or holds itself"),
        ("[" * 1000, "x.yaml: is nested too deeply, or holds itself"),
        ("{a: &a [1,1,1,1,1,1,1,1,1,1], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], "
         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], "
         "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]}", "x.yaml: holds more than 20000 values"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_said_with_its_place(text: str | bytes, sentence: str) -> None:
    """A syntax error, a key given twice, a tag, and what would never end."""
    assert problem(text).startswith(sentence)


def test_every_key_and_value_has_its_place() -> None:
    """Lines and columns count from 1."""
    document = parse("a: 1\nb:\n  - c: x\n    d: y\n", "x.yaml")
    keys = {path_text(path): (place.line, place.column) for path, place in document.keys.items()}
    values = {path_text(path): (place.line, place.column) for path, place in document.values.items()}
    assert keys == {"a": (1, 1), "b": (2, 1), "b[0].c": (3, 5), "b[0].d": (4, 5)}
    assert values == {"": (1, 1), "a": (1, 4), "b": (3, 3), "b[0]": (3, 5), "b[0].c": (3, 8), "b[0].d": (4, 8)}


@given(VALUES)
def test_what_yaml_writes_is_read_as_it_was(value: Any) -> None:
    """Plain values survive, wherever they are, and each has a place."""
    document = parse(yaml.safe_dump(value, allow_unicode=True), "x.yaml")
    assert document.value == value
    assert set(document.values) == set(Document.of(value).values)


@given(st.lists(NAMES | st.integers(0, 9), min_size=1, max_size=5))
def test_a_path_is_read_as_it_was_written(steps: list[str | int]) -> None:
    """`faults[0].crash.when` and back."""
    path: DocumentPath = tuple(steps)
    assert parse_path(path_text(path)) == path


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[x]", "a[-1]", "a[0", "a."])
def test_what_is_no_path_is_refused(text: str) -> None:
    """With the text in the message."""
    with pytest.raises(ValueError, match="is not a path such as"):
        parse_path(text)


def test_a_part_keeps_its_place_when_it_is_put_elsewhere() -> None:
    """So a matrix's value that is wrong is pointed at where it stands, and the rest where it was."""
    document = parse("a: {b: 1}\nm: [5, {x: 6}]\n", "x.yaml")
    put = document.with_part(("a", "c", "d"), document.part(("m", 1)))
    assert put.value == {"a": {"b": 1, "c": {"d": {"x": 6}}}, "m": [5, {"x": 6}]}
    assert str(put.problem(("a", "c", "d", "x"), "!")) == "x.yaml:2:12: m[1].x: !"
    assert str(put.problem(("a", "b"), "!", at_key=True)) == "x.yaml:1:5: a.b: !"
    assert document.value == {"a": {"b": 1}, "m": [5, {"x": 6}]}


def test_a_value_that_is_replaced_leaves_no_place_behind() -> None:
    """What was below it is gone."""
    document = parse("a: {b: [1, 2]}\nm: 3\n", "x.yaml")
    put = document.with_part(("a",), document.part(("m",)))
    assert str(put.problem(("a", "b", 0), "!")) == "x.yaml:2:4: m: !"


@pytest.mark.parametrize("path, sentence", [(("a", "b"), "a is not a mapping"), (("l", 2), "there is no l[2]")])
def test_nothing_is_put_where_something_else_is(path: DocumentPath, sentence: str) -> None:
    """A list is not made longer, and a text is no mapping."""
    with pytest.raises(ValueError) as caught:
        parse("a: x\nl: [1]\n", "x.yaml").with_part(path, Document.of(1))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("value", [object(), float("inf"), {1, 2}, [b"x"]])
def test_values_in_memory_are_those_that_a_file_could_hold(value: Any) -> None:
    """And the problem has a path."""
    with pytest.raises(UserError, match=r"^a"):
        Document.of({"a": value})
