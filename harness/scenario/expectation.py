"""What a scenario expects of a variant, on every platform or on one that differs, and whether a verdict meets it."""

# Annotations are no texts here: a model looks at its own.
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from harness.errors import Mistake, Mistakes, shown
from harness.models import Instead, Keywords, Model, Refusals, Schema, derived, read
from harness.platforms import PLATFORMS
from harness.scenario.fields import PATTERN
from harness.schemas import mistakes, not_valid, schema_of
from harness.verdict import ANOMALIES, INVALID, PARTIES, UNKNOWN, VERDICTS, Verdict

REFUSED = "refused"
_COUNT = re.compile(r"^(==|!=|>=|<=|>|<) *([0-9]{1,9})$")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Count(NamedTuple):
    """How many anomalies of a kind there are to be: `sign` is one of == != >= <= > <."""

    kind: str
    sign: str
    number: int

    def holds(self, number: int) -> bool:
        return _COMPARE[self.sign](number, self.number)

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


def _sign_and_number(value: Any) -> tuple[str, int]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return "==", value
    match = _COUNT.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f'got {shown(value)}; expected a number, such as 2, ">= 1" or "== 2"')
    return match[1], int(match[2])


_COUNT_SCHEMA: Any = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": _COUNT.pattern, "examples": [">= 1", "== 2"]},
    ]
}
_ANY_COUNT = Annotated[
    tuple[str, int],
    Instead(lambda value, context: _sign_and_number(value), _COUNT_SCHEMA),
    "How many anomalies of this kind there are to be.",
]
_BLAME: Any = Annotated[Literal[PARTIES], "Who every anomaly of these kinds is to blame."]


class _Kinds(Model):
    """An anomaly of a checker of the user's own is called by the checker's word, which `parse` reads by itself."""

    SCHEMA: ClassVar[Schema] = {"patternProperties": {PATTERN: _COUNT_SCHEMA}}


_Conditions: Any = derived(
    "_Conditions", _Kinds, {**dict.fromkeys(ANOMALIES, (_ANY_COUNT, None)), "blame": (_BLAME, None)}
)


class _WithConditions(Model):
    invalid: Annotated[_Conditions | None, "What the anomalies are to be; kinds that are not named may occur too."]


_Spec: Any = Literal[VERDICTS] | _WithConditions


@cache
def _schema() -> Schema:
    return schema_of(_Spec)


def parse(spec: Any) -> Expectation:
    """`valid`, or `{invalid: {duplicated: ">= 1", blame: writer}}`. Raises Mistakes, with paths inside the spec."""
    if isinstance(spec, str) and spec in VERDICTS:
        return Expectation(spec)
    if not isinstance(spec, dict):
        raise Mistakes([not_valid((), _schema(), spec)])
    spec, own, wrong = _without_own(spec)
    try:
        conditions: Any = read(_WithConditions, spec).invalid or _Conditions()
    except Refusals as error:
        wrong += mistakes(error, _schema(), spec, "an expectation")
    if wrong:
        raise Mistakes(wrong)
    counts = (Count(kind, *getattr(conditions, kind)) for kind in spec[INVALID] or () if kind in ANOMALIES)
    return Expectation(INVALID, (*counts, *own), conditions.blame)


def _without_own(spec: dict[Any, Any]) -> tuple[dict[Any, Any], list[Count], list[Mistake]]:
    """The spec without the anomalies of the user's own checkers; the counts of these, and what is wrong with them."""
    counts: list[Count] = []
    wrong: list[Mistake] = []
    conditions = spec.get(INVALID)
    if not isinstance(conditions, dict):
        return spec, counts, wrong
    words = [word for word in conditions if isinstance(word, str) and re.fullmatch(PATTERN, word)]
    for word in words:
        try:
            counts.append(Count(word, *_sign_and_number(conditions[word])))
        except ValueError as error:
            wrong.append(Mistake((INVALID, word), str(error)))
    return spec | {INVALID: {key: value for key, value in conditions.items() if key not in words}}, counts, wrong


Spec = Annotated[Expectation, Instead(lambda spec, context: parse(spec), _Spec)]


def _parse_difference(spec: Any, context: Any) -> Expectation | None:
    return None if spec == REFUSED else parse(spec)


class Difference(Model):
    """A known difference: what a variant ends as on one platform. `expect` is None where the platform refuses it."""

    expect: Annotated[
        Expectation | None,
        Instead(_parse_difference, Literal[REFUSED] | _Spec),
        "What it ends as on the platform.",
    ]
    why: Annotated[str, Keywords(minLength=1), "Why, with the row or source that shows it."]


_BY_PATTERN = Annotated[dict[str, Difference], "By pattern over the names of the variants."]
Differs: Any = derived("Differs", Model, dict.fromkeys(PLATFORMS, (_BY_PATTERN, {})))


def met(expectation: Expectation, verdict: Verdict) -> tuple[bool, str]:
    """Whether the verdict is what was expected, and a sentence that says why."""
    if verdict.verdict != expectation.verdict:
        return False, f"expected {expectation}, found {_described(verdict)}"
    for count in expectation.counts:
        number = _count(verdict, count.kind)
        if not count.holds(number):
            return False, f"expected {count}, found {number}"
    named = [count.kind for count in expectation.counts] or _kinds(verdict)
    for anomaly in verdict.anomalies:
        if expectation.blame and anomaly.kind in named and anomaly.blame != expectation.blame:
            what = f"{anomaly.subject} is {anomaly.kind} because of the {anomaly.blame}"
            return False, f"expected to blame the {expectation.blame} alone, but {what}"
    return True, f"found {_described(verdict)}, as expected"


def _count(verdict: Verdict, kind: str) -> int:
    return verdict.counts.get(kind, sum(anomaly.kind == kind for anomaly in verdict.anomalies))


def _kinds(verdict: Verdict) -> list[str]:
    return list(dict.fromkeys((*ANOMALIES, *(anomaly.kind for anomaly in verdict.anomalies))))


def _described(verdict: Verdict) -> str:
    if verdict.verdict == INVALID:
        counts = {kind: _count(verdict, kind) for kind in _kinds(verdict)}
        return f"invalid: {', '.join(f'{number} {kind}' for kind, number in counts.items() if number)}"
    if verdict.verdict == UNKNOWN and verdict.reasons:
        return f"unknown: {'; '.join(verdict.reasons)}"
    return verdict.verdict
