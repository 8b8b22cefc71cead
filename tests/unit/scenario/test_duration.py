"""Durations: seconds, or a number with a unit."""

from __future__ import annotations

from typing import Any

import pytest

from harness.scenario.fields import seconds


@pytest.mark.parametrize(
    "written, expected",
    [
        ("500ms", 0.5),
        ("3s", 3),
        ("1.5s", 1.5),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86_400),
        ("0.1s", 0.1),
        ("1000ms", 1),
    ],
)
def test_a_duration_is_a_number_of_seconds(written: str, expected: float) -> None:
    """A whole number where it is whole."""
    found = seconds(written)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("value", ["3", "3 s", "s", "-3s", "3S", "1h30m", "3s\n", 3, 2.5, None, True, ["3s"]])
def test_what_is_no_duration_is_left_as_it_is(value: Any) -> None:
    """So that whoever checks it can say what was got."""
    assert seconds(value) is value
