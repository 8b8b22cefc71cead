"""What a scenario expects of a variant, and whether a verdict meets it. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.errors import Mistake, Mistakes, nearest, shown
from harness.verdict import ANOMALIES, INVALID, PARTIES, UNKNOWN, VERDICTS, Verdict

BLAME = "blame"
COUNT_PATTERN = r"^(==|!=|>=|<=|>|<) *([0-9]+)$"
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many anomalies of a kind there are to be: `sign` is one of == != >= <= > <."""

    kind: str
    sign: str
    number: int

    def holds(self, found: int) -> bool:
        return _COMPARE[self.sign](found, self.number)

    def __str__(self) -> str:
        return f"{self.kind} {self.sign} {self.number}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """`counts` and `blame` are conditions on an invalid verdict; what they do not name may be as it likes."""

    verdict: str
    counts: tuple[Count, ...] = ()
    blame: str | None = None

    def __str__(self) -> str:
        conditions = [*map(str, self.counts), *([f"blame {self.blame}"] if self.blame else [])]
        return f"{self.verdict} ({', '.join(conditions)})" if conditions else self.verdict


def parse(spec: Any) -> Expectation:
    """`valid`, or `{invalid: {duplicated: ">= 1", blame: writer}}`. Raises Mistakes, with paths inside the spec."""
    if isinstance(spec, str):
        if spec not in VERDICTS:
            raise Mistakes([Mistake((), f"'{spec}' is not a verdict. {nearest(spec, VERDICTS)}")])
        return Expectation(spec)
    if not isinstance(spec, dict) or len(spec) != 1:
        examples = 'valid, invalid, unknown, or {invalid: {duplicated: ">= 1"}}'
        raise Mistakes([Mistake((), f"got {shown(spec)}; expected a verdict: {examples}")])
    ((verdict, conditions),) = spec.items()
    if verdict != INVALID:
        mistake = "takes no conditions" if verdict in VERDICTS else "is not a verdict"
        raise Mistakes([Mistake((verdict,), f"'{verdict}' {mistake}. {nearest(verdict, [INVALID])}", at_key=True)])
    if not isinstance(conditions, dict | None):
        raise Mistakes([Mistake((INVALID,), f"got {shown(conditions)}; expected a mapping of kinds of anomaly")])
    return _conditions(conditions or {})


def met(expectation: Expectation, verdict: Verdict) -> tuple[bool, str]:
    """Whether the verdict is what was expected, and a sentence that says why."""
    if verdict.verdict != expectation.verdict:
        return False, f"expected {expectation}, found {_found(verdict)}"
    for count in expectation.counts:
        found = _count(verdict, count.kind)
        if not count.holds(found):
            return False, f"expected {count}, found {found}"
    named = [count.kind for count in expectation.counts] or list(ANOMALIES)
    for anomaly in verdict.anomalies:
        if expectation.blame and anomaly.kind in named and anomaly.blame != expectation.blame:
            what = f"{anomaly.subject} is {anomaly.kind} because of the {anomaly.blame}"
            return False, f"expected to blame the {expectation.blame} alone, but {what}"
    return True, f"found {_found(verdict)}, as expected"


def _conditions(conditions: dict[str, Any]) -> Expectation:
    mistakes: list[Mistake] = []
    counts: list[Count] = []
    for name, value in conditions.items():
        path = (INVALID, name)
        if name == BLAME:
            if value not in PARTIES:
                mistakes.append(Mistake(path, f"{shown(value)} cannot be blamed. {nearest(str(value), PARTIES)}"))
        elif name not in ANOMALIES:
            known = (*ANOMALIES, BLAME)
            mistakes.append(Mistake(path, f"'{name}' is no kind of anomaly. {nearest(name, known)}", at_key=True))
        else:
            count = _parse_count(name, value)
            if count:
                counts.append(count)
            else:
                mistakes.append(Mistake(path, f'got {shown(value)}; expected a number, such as 2, ">= 1" or "== 2"'))
    if mistakes:
        raise Mistakes(mistakes)
    return Expectation(INVALID, tuple(counts), conditions.get(BLAME))


def _parse_count(kind: str, value: Any) -> Count | None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Count(kind, "==", value)
    found = re.fullmatch(COUNT_PATTERN, value) if isinstance(value, str) else None
    return Count(kind, found[1], int(found[2])) if found else None


def _count(verdict: Verdict, kind: str) -> int:
    return verdict.counts.get(kind, sum(anomaly.kind == kind for anomaly in verdict.anomalies))


def _found(verdict: Verdict) -> str:
    if verdict.verdict == INVALID:
        counts = {kind: _count(verdict, kind) for kind in ANOMALIES}
        return f"invalid: {', '.join(f'{number} {kind}' for kind, number in counts.items() if number)}"
    if verdict.verdict == UNKNOWN and verdict.reasons:
        return f"unknown: {'; '.join(verdict.reasons)}"
    return verdict.verdict
