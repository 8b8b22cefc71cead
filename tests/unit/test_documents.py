"""A document's text, of a scenario and of a template: which values come out, and where each of them was written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from source_tree import ROOT

from harness.documents import Document, _document, _TemplateLoader, load_template, parse
from harness.errors import DocumentPath, UserError, parse_path, path_text

YAML_FILES = [file for folder in ("scenarios", "lambda", "data") for file in sorted((ROOT / folder).rglob("*.yaml"))]
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
        ('a: "x\\ud83d"\n', "x.yaml:1:4: a: 'x\\ud83d' holds half a character"),
        ('"\\ude80": 1\n', "x.yaml:1:1: '\\ude80' holds half a character"),
        ("a: 1e999\n", "x.yaml:1:4: a: 1e999 is too large a number"),
        (b"a: \xff\n", "x.yaml:1: is not YAML: "),
        ("&a [*a]", "x.yaml:1:8: is nested too deeply, or holds itself"),
        ("{a: &a [1,1,1,1,1,1,1,1,1,1], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], "
         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], "
         "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]}", "x.yaml:1:25: holds more than 20000 values"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_said_with_its_place(text: str | bytes, sentence: str) -> None:
    """A syntax error, a key given twice, a tag, and what would never end."""
    assert problem(text).startswith(sentence)


def test_every_key_and_value_has_its_place() -> None:
    """Lines and columns count from 1."""
    document = parse("a: 1\nb:\n  - c: x\n    d: y\n", "x.yaml")
    keys = {path_text(path): (place.line, place.column) for path, place in document.keys.items()}
    values = {path_text(path): (place.line, place.column) for path, place in document.places.items()}
    assert keys == {"a": (1, 1), "b": (2, 1), "b[0].c": (3, 5), "b[0].d": (4, 5)}
    assert values == {"": (1, 1), "a": (1, 4), "b": (3, 3), "b[0]": (3, 5), "b[0].c": (3, 8), "b[0].d": (4, 8)}


@given(VALUES)
def test_what_yaml_writes_is_read_as_it_was(value: Any) -> None:
    """Plain values survive, wherever they are, and each has a place."""
    document = parse(yaml.safe_dump(value, allow_unicode=True), "x.yaml")
    assert document.value == value
    assert set(document.places) == set(Document.of(value).places)


def outcome(text: bytes, with_libyaml: bool) -> Document | str:
    """What a scenario is read as by one parser or the other, with all places, or what is wrong with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", with_libyaml)
        try:
            return parse(text, "x.yaml")
        except UserError as error:
            return str(error)


@pytest.mark.parametrize("file", YAML_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_both_parsers_read_each_file_alike(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same values, each at the same place, also where libyaml is missing."""
    text = file.read_bytes()
    assert outcome(text, True) == outcome(text, False)
    template = _document(text, "x.yaml", _TemplateLoader)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert _document(text, "x.yaml", _TemplateLoader) == template


PIECES = (
    *("a", "b:", " ", "\n", "  ", "- ", ": ", ":", "[", "]", "{", "}", ",", '"', "'", "|", ">", "#", " #", "!", "!t "),
    *("&x ", "*x", "?", "? ", "---", "~", "1", "é", "\t", "\r\n", "\x85", "\u2028", "\ufeff", "\0", "😀", "%", "@"),
    *("key: v\n", "  k: [1, 2]\n", "|-\n  t\n", "{a: }", "!!str "),
)


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join), st.sampled_from(["\n", ""]))
def test_both_parsers_read_any_text_alike(text: str, end: str) -> None:
    """Where they would not, only the parser in Python is asked; it also says what is no YAML."""
    written = (text + end).encode()
    assert outcome(written, True) == outcome(written, False)


@pytest.mark.parametrize(
    "text",
    [
        "a:\t1\n",
        "a: {b: 1, c?: 2}\n",
        "a: |#\n  b\n",
        "a: !x!y z\n",
        "a: {b: }\n",
        "a: [!x, 1]\n",
        "a:",
        "\ufeffa: 1\n",
    ],
)
def test_what_only_libyaml_reads_is_read_as_without_it(text: str) -> None:
    """A scenario is right or wrong on every machine."""
    assert outcome(text.encode(), True) == outcome(text.encode(), False)


def test_libyaml_reads_what_is_usual() -> None:
    """PyYAML's own parser, which takes ten times as long, is not asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "SafeLoader")
        for file in YAML_FILES:
            _document(file.read_bytes(), "x.yaml", _TemplateLoader)


@pytest.mark.parametrize("text", ["[" * 1000, "[" * 5000, "- " * 5000, "{a: " * 5000])
def test_deep_nesting_is_refused_by_both_parsers(text: str) -> None:
    """In a sentence; no stack overflows."""
    for with_libyaml in (True, False):
        refusal = outcome(f"{text}\n".encode(), with_libyaml)
        assert re.fullmatch(r"x.yaml:[12]:\d+: is nested too deeply, or holds itself", str(refusal))


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


@pytest.mark.parametrize("value", [object(), float("inf"), {1, 2}, [b"x"], "\ud83d"])
def test_values_in_memory_are_those_that_a_file_could_hold(value: Any) -> None:
    """And the problem has a path."""
    with pytest.raises(UserError, match=r"^a"):
        Document.of({"a": value})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", ":2:1: a: 'a' is given twice: first in line 1"),
        ("a: &x 1\nb: *x", ":2:4: CloudFormation allows no YAML aliases"),
        ("a: [1, 2", ":1:9: is not YAML: while parsing a flow sequence, expected"),
        ("? [a]\n: 1", ":1:3: a key is a text"),
    ],
)
def test_what_is_not_yaml_for_cloudformation_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A syntax error, a key given twice and an alias are shown where they are."""
    file = tmp_path / "template.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        load_template(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a: "\\U00110000"\n', r":1:\d+: is not YAML: chr"),
        ("a: b\n# \x01\n", ":2: is not YAML: special characters"),
        ("a: 1\nb: " + "[" * 5000 + "]" * 5000, r":2:\d+: is nested too deeply"),
        ("a:\n  b: !!timestamp 2001-99-99\n", ":2:6: a.b: '2001-99-99' is no timestamp"),
        ("a: !!int ''\n", ":1:4: a: '' is no int"),
        ("a: !!bool q\n", ":1:4: a: 'q' is no bool"),
        ("a: " + "9" * 5000, ":1:4: a: 9+ is too large a number"),
        ("a: 1\n" * 300_000, "has 1500000 bytes; at most 1048576 are read"),
        ("a: [" + "1, " * 120_000 + "1]", r":1:\d+: holds more than 100000 values"),
    ],
)
def test_no_text_breaks_the_reader(tmp_path: Path, text: str, message: str) -> None:
    """What PyYAML itself stumbles over, and what would take minutes, is refused with its line."""
    file = tmp_path / "template.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        load_template(file)


def test_an_alias_of_aliases_is_refused_at_once() -> None:
    """Ten lines of a scenario can hold more values than the memory."""
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    with pytest.raises(UserError, match=r"bomb.yaml:\d+:\d+: holds more than 20000 values"):
        parse(text, "bomb.yaml")


def test_json_is_read_too(tmp_path: Path) -> None:
    """A template in JSON may be indented with tabs, and its settings have their places all the same."""
    file = tmp_path / "template.json"
    file.write_text('{\n\t"A": {\n\t\t"Fn::GetAtt": ["Table", "Arn"]\n\t}\n}')
    document = load_template(file)
    assert document.value == {"A": {"Fn::GetAtt": ["Table", "Arn"]}}
    assert str(document.problem(("A", "Fn::GetAtt", 1), "x")) == f"{file}:3:27: A.Fn::GetAtt[1]: x"
    file.write_text('{"A": "\\ud83d\\ude80"}')  # what JSON has for one character
    assert load_template(file).value == {"A": "\N{ROCKET}"}


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(UserError, match=r"absent\.yaml: cannot be read"):
        load_template(tmp_path / "absent.yaml")
