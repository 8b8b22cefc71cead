"""What differs between runs without faults is not compared; everything else is."""

from __future__ import annotations

from typing import Any

import pytest

from harness.trying.comparison import (
    DIFFERENT,
    DUPLICATED,
    LOST,
    SinkDifference,
    differences,
    kinds,
    learn,
    without_note,
)

ROW = {"k": "a", "n": 1}


def of(*rows: Any) -> dict[str, list[Any]]:
    return {"Out": list(rows)}


@pytest.mark.parametrize(
    "expected, held, keys, kind",
    [
        ([ROW], [ROW], ["k"], None),
        ([ROW], [ROW, ROW], [], DUPLICATED),
        ([ROW], [], ["k"], LOST),
        ([ROW], [{"k": "a", "n": 2}], ["k"], DUPLICATED),
        ([{"k": "a", "n": -1}], [{"k": "a", "n": -3}], ["k"], DUPLICATED),
        ([{"k": "a", "n": 2}], [ROW], ["k"], LOST),
        ([{"k": "a", "s": "new"}], [{"k": "a", "s": "old"}], ["k"], DIFFERENT),
        ([{"k": "a", "l": [1]}], [{"k": "a", "l": [1, 1]}], ["k"], DUPLICATED),
        ([{"k": "a", "s": "x"}], [{"k": "a", "s": "x"}, {"k": "b", "s": "x"}], ["k"], DUPLICATED),
        ([{"k": "a", "s": "x"}], [{"k": "a", "s": "x"}, {"k": "b", "s": "y"}], ["k"], DIFFERENT),
        (["a\nb"], ["a\nb\nb"], [], DUPLICATED),
        ([["a", "b"]], [["a"], ["b"]], [], None),
    ],
)
def test_a_difference_has_a_kind(expected: list[Any], held: list[Any], keys: list[str], kind: str | None) -> None:
    """More of something is duplicated, less is lost, other values are different; how rows are batched is nothing."""
    masks = learn([of(*expected)])
    found = differences(of(*expected), of(*held), masks, {"Out": keys})
    got = kinds(found["Out"], masks.rows("Out", of(*expected)), keys) if found else {None}
    assert got == {kind}


def test_what_differs_between_references_is_masked() -> None:
    """A random key and a time go; what is the same in all of them stays, also beside them in one text."""
    runs = [of({"k": key, "text": f"sent at {time}", "n": 1}) for key, time in (("x", "10:01"), ("y", "11:59"))]
    masks = learn(runs)
    assert (masks.whole, masks.partly, masks.unknown) == ({"Out": {"k"}}, {"Out": {"text"}}, {})
    other = of({"k": "z", "text": "sent at 12:30", "n": 1})
    assert differences(runs[0], other, masks, {"Out": ["k"]}) == {}
    wrong = of({"k": "z", "text": "not sent at 12:30", "n": 1})
    assert differences(runs[0], wrong, masks, {"Out": ["k"]})


def test_a_number_of_rows_that_differs_is_unknown() -> None:
    """No mask helps there, and nothing is compared."""
    masks = learn([of(ROW), of(ROW, ROW)])
    assert masks.unknown == {"Out": "runs without faults leave 1 to 2 rows there"}
    assert differences(of(ROW), of(), masks, {}) == {}


def test_request_ids_are_never_compared() -> None:
    """Each call of the function has another, also when the batch is the same."""
    rows = [of({"by": f"00000000-0000-4000-8000-{number:012d}"}) for number in (1, 2)]
    assert differences(rows[0], rows[1], learn(rows[:1]), {}) == {}


def test_a_note_of_the_writer_is_taken_out() -> None:
    """The attribute by which a second PUT differs, as plain JSON or as a stream has it."""
    contents = of({"k": "a", "note": "again"}, {"image": {"note": {"S": "again"}, "k": {"S": "a"}}}, {"note": "mine"})
    assert without_note(contents, "again") == of({"k": "a"}, {"image": {"k": {"S": "a"}}}, {"note": "mine"})


def test_nothing_is_more_than_a_difference() -> None:
    """A difference without rows has no kind."""
    assert kinds(SinkDifference([], [], []), [], []) == set()
