"""A known difference: what a variant ends as on one platform, where that is not what it ends as elsewhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness import expectation
from harness.errors import Mistake, Mistakes, nearest, shown
from harness.expectation import Expectation

EXPECT, WHY, REFUSED = "expect", "why", "refused"
_KEYS = (EXPECT, WHY)


@dataclass(frozen=True, slots=True)
class Difference:
    """`expectation` is None where the platform refuses the variant; `why` names the row, or the line of source."""

    expectation: Expectation | None
    why: str


def parse(spec: Any) -> Difference:
    """`{expect: refused, why: …}`, or any other expectation. Raises Mistakes, with paths inside the spec."""
    if not isinstance(spec, dict):
        raise Mistakes([Mistake((), f"got {shown(spec)}; expected {{expect: refused, why: the reason}}")])
    wrong = [
        Mistake((key,), f"'{key}' is not a key of a difference. {nearest(key, _KEYS)}", at_key=True)
        for key in spec
        if key not in _KEYS
    ]
    wrong += [Mistake((), f"'{key}' is missing") for key in _KEYS if key not in spec and not wrong]
    why = spec.get(WHY, "")
    if not (isinstance(why, str) and (why or WHY not in spec)):
        wrong.append(Mistake((WHY,), f"got {shown(why)}; expected the reason, as a text"))
    expected = None
    if EXPECT in spec and spec[EXPECT] != REFUSED:
        try:
            expected = expectation.parse(spec[EXPECT])
        except Mistakes as error:
            wrong += [mistake.below((EXPECT,)) for mistake in error.mistakes]
    if wrong:
        raise Mistakes(wrong)
    return Difference(expected, why)
