"""Expectations: what may be expected, and when a verdict meets it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import Mistakes
from harness.scenario.expectation import Expectation, met, parse
from harness.verdict import INVALID, UNKNOWN, VALID, Anomaly, Verdict


def anomalies(**blamed: str) -> tuple[Anomaly, ...]:
    """`duplicated="writer function"` is two duplicates, one blamed on each."""
    return tuple(
        Anomaly(kind, f"todo-{number}/1", party, "", "", ())
        for kind, parties in blamed.items()
        for number, party in enumerate(parties.split())
    )


def invalid(**blamed: str) -> Verdict:
    return Verdict(INVALID, anomalies(**blamed))


@pytest.mark.parametrize(
    "spec, verdict, is_met, reason",
    [
        ("valid", Verdict(VALID), True, "found valid, as expected"),
        ("valid", invalid(lost="stream", duplicated="writer writer"), False,
         "expected valid, found invalid: 1 lost, 2 duplicated"),
        ("valid", Verdict(UNKNOWN, reasons=("no fault fired", "the drain hit its bound")), False,
         "expected valid, found unknown: no fault fired; the drain hit its bound"),
        ("unknown", Verdict(UNKNOWN, reasons=("no fault fired",)), True,
         "found unknown: no fault fired, as expected"),
        ("unknown", Verdict(VALID), False, "expected unknown, found valid"),
        ("invalid", invalid(lost="stream"), True, "found invalid: 1 lost, as expected"),
        ({"invalid": None}, invalid(lost="stream"), True, "found invalid: 1 lost, as expected"),
        ("invalid", Verdict(VALID), False, "expected invalid, found valid"),
        ({"invalid": {"duplicated": ">= 1"}}, Verdict(VALID), False,
         "expected invalid (duplicated >= 1), found valid"),
        ({"invalid": {"duplicated": ">= 1"}}, invalid(duplicated="writer", lost="stream"), True,
         "found invalid: 1 lost, 1 duplicated, as expected"),
        ({"invalid": {"duplicated": ">= 1"}}, invalid(lost="stream"), False, "expected duplicated >= 1, found 0"),
        ({"invalid": {"duplicated": 2}}, invalid(duplicated="writer"), False, "expected duplicated == 2, found 1"),
        ("valid", invalid(lost="stream", **{"mine:Own": "mapping"}), False,
         "expected valid, found invalid: 1 lost, 1 mine:Own"),
        ({"invalid": {"mine:Own": 1, "blame": "stream"}}, invalid(lost="stream", **{"mine:Own": "mapping"}), False,
         "expected to blame the stream alone, but todo-0/1 is mine:Own because of the mapping"),
        ({"invalid": {"mine:Own": ">= 1"}}, invalid(lost="stream"), False, "expected mine:Own >= 1, found 0"),
        ({"invalid": {"duplicated": "!= 2"}}, invalid(duplicated="writer writer"), False,
         "expected duplicated != 2, found 2"),
        ({"invalid": {"duplicated": "< 2"}}, invalid(duplicated="writer writer"), False,
         "expected duplicated < 2, found 2"),
        ({"invalid": {"duplicated": "<= 2"}}, invalid(duplicated="writer writer"), True,
         "found invalid: 2 duplicated, as expected"),
        ({"invalid": {"duplicated": ">2"}}, invalid(duplicated="writer writer"), False,
         "expected duplicated > 2, found 2"),
        ({"invalid": {"lost": 0}}, invalid(duplicated="writer"), True, "found invalid: 1 duplicated, as expected"),
        ({"invalid": {"duplicated": ">= 1", "blame": "writer"}}, invalid(duplicated="writer", lost="stream"), True,
         "found invalid: 1 lost, 1 duplicated, as expected"),
        ({"invalid": {"duplicated": ">= 1", "blame": "writer"}}, invalid(duplicated="writer function"), False,
         "expected to blame the writer alone, but todo-1/1 is duplicated because of the function"),
        ({"invalid": {"blame": "writer"}}, invalid(duplicated="writer", lost="stream"), False,
         "expected to blame the writer alone, but todo-0/1 is lost because of the stream"),
    ],
)  # fmt: skip
def test_an_expectation_is_met_or_not(spec: Any, verdict: Verdict, is_met: bool, reason: str) -> None:
    """Kinds that are not named may occur too, and the blame is for the kinds that are."""
    assert met(parse(spec), verdict) == (is_met, reason)


def test_the_counts_of_the_verdict_count() -> None:
    """Where a verdict carries more counts than anomalies, the counts say how many there are."""
    verdict = Verdict(INVALID, anomalies(lost="stream"), counts={"lost": 40})
    assert met(parse({"invalid": {"lost": 40}}), verdict)[0]


@pytest.mark.parametrize(
    "spec, words",
    [
        ("valid", "valid"),
        ("invalid", "invalid"),
        ({"invalid": {"duplicated": ">=1", "lost": 0, "blame": "writer"}},
         "invalid (duplicated >= 1, lost == 0, blame writer)"),
    ],
)  # fmt: skip
def test_an_expectation_says_what_it_is(spec: Any, words: str) -> None:
    """In the words of the scenario."""
    assert str(parse(spec)) == words
    assert parse(spec) == parse(spec)
    assert isinstance(parse(spec), Expectation)


@pytest.mark.parametrize(
    "spec, path, sentence",
    [
        ("vald", (), "got 'vald'. Did you mean 'valid'? Known: invalid, unknown, valid"),
        (3, (), "got 3; expected one of valid, invalid, unknown or a mapping with invalid"),
        (None, (), "got nothing; expected one of valid, invalid, unknown or a mapping with invalid"),
        ([], (), "got []; expected one of valid, invalid, unknown or a mapping with invalid"),
        ({}, (), "'invalid' is missing: What the anomalies are to be"),
        (
            {"valid": None},
            ("valid",),
            "'valid' is not a key of an expectation. Did you mean 'invalid'?",
        ),
        (
            {"invald": {}},
            ("invald",),
            "'invald' is not a key of an expectation. Did you mean 'invalid'?",
        ),
        ({"invalid": 3}, ("invalid",), "got 3; expected a mapping"),
        (
            {"invalid": {"duplicate": 1}},
            ("invalid", "duplicate"),
            "Did you mean 'duplicated'? Known: blame, dead_lettered",
        ),
        ({"invalid": {"lost": -1}}, ("invalid", "lost"), "got -1; expected a number"),
        ({"invalid": {"lost": ">= " + 5000 * "9"}}, ("invalid", "lost"), "got '>= 999"),
        ({"invalid": {"mine:Own": "few"}}, ("invalid", "mine:Own"), "got 'few'; expected a number"),
        ({"invalid": {"lost": True}}, ("invalid", "lost"), "got true; expected a number"),
        ({"invalid": {"lost": "=> 1"}}, ("invalid", "lost"), "got '=> 1'; expected a number"),
        (
            {"invalid": {"blame": "lambda"}},
            ("invalid", "blame"),
            "got 'lambda'. Known: function, mapping, platform",
        ),
        (
            {"invalid": {"blame": ["writer"]}},
            ("invalid", "blame"),
            'got ["writer"]; expected one of writer, stream',
        ),
    ],
)
def test_what_cannot_be_expected_is_refused(spec: Any, path: tuple[str, ...], sentence: str) -> None:
    """With the path inside the spec, what is valid, and the nearest word."""
    with pytest.raises(Mistakes) as caught:
        parse(spec)
    (mistake,) = caught.value.mistakes
    assert (mistake.path, sentence in mistake.message) == (path, True), mistake.message
