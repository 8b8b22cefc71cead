"""Faults in scenarios: which are read, and what is said of those that could never fire."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import pytest
from scenario_texts import folder, load_text, problems, short

from harness.faults import FAULTS
from harness.jobs import check_against_mapping
from harness.pipeline.resources import Mapping


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return folder(tmp_path)


@pytest.mark.parametrize(
    "fault, sentence",
    [
        ("crsh", "faults[0]: 'crsh' is not a fault. Did you mean 'crash'?"),
        ({"lose_replies": None}, "faults[0]: 'lose_replies' is not a fault. Did you mean 'lose_reply'?"),
        ("harness.workload:Put", "'harness.workload:Put' is not a fault"),
        ({"crash": None, "noop": None}, 'got {"crash": null, "noop": null}; expected one fault'),
        ({"crash": 3}, "faults[0].crash: got 3; expected a mapping of the fields of crash"),
        ({"crash": {"nth": "x"}}, "got 'x'; expected a whole number of at least 1 or a list"),
        ({"crash": {"nth": [1, "x"]}}, 'faults[0].crash.nth: got [1, "x"]; expected'),
        ({"crash": {"nth": []}}, "got an empty list"),
        ({"crash": {"nth": 0}}, "got 0; expected a number of at least 1"),
        ({"crash": {"when": "aftr"}}, "faults[0].crash.when: got 'aftr'. Did you mean 'after'?"),
        ({"crash": {"between": [1]}}, "faults[0].crash.between: got [1]; expected a list of 2"),
        ({"crash": {"between": ["1x", 2]}}, "faults[0].crash.between[0]: got '1x'; expected a number of at least 0"),
        ({"crash": {"between": ["1m", 2]}}, "the span from 60 s to 2 s is empty"),
        ({"crash": {"probability": 1.5}}, "got 1.5; expected a number from 0 to 1"),
        ({"crash": {"probability": True}}, "got true; expected a number from 0 to 1"),
        ({"delay": {"seconds": -1}}, "got -1; expected a number of at least 0"),
        ({"crash": {"nth": -(10**400)}}, "; expected a number of at least 1"),
        ({"crash": {"process": "writr"}}, "'writr' is no process. Did you mean 'writer'?"),
        ({"crash": {"process": "writer"}}, "crash at 'effect' is a fault of function, never of 'writer'"),
        ({"crash": {"call": "deliver"}}, "crash cannot act after 'deliver'"),
        ({"timeout": {"call": "acknowledge"}}, "timeout cannot act after 'acknowledge'"),
        ({"lose_reply": {"call": "operation"}}, "lose_reply cannot act at 'operation'. It acts at: any AWS call"),
        (
            {"leave_unprocessed": {"call": "dynamodb.PutItem"}},
            "leave_unprocessed cannot act at 'dynamodb.PutItem'. It acts at: dynamodb.BatchWriteItem",
        ),
        ({"delay": {"call": "handle", "when": "after"}}, "delay cannot act after 'handle'"),
        ({"delay": {"call": "dynamodb.PutItm"}}, "Did you mean 'dynamodb.PutItem'?"),
        (
            {"duplicate_put": {"process": "function"}},
            "duplicate_put at 'operation' is a fault of writer, never of 'function'",
        ),
    ],
)
def test_a_fault_that_cannot_fire_is_one_line(project: Path, fault: Any, sentence: str) -> None:
    """Because there is no such fault, or no such field, or nothing at which it is aimed."""
    (problem,) = problems(project, short(faults=[fault]))
    assert sentence in problem


@pytest.mark.parametrize("word", sorted(FAULTS))
def test_every_fault_can_fire_as_it_is(project: Path, word: str) -> None:
    """Its word alone is enough, and a word without fields after the colon is the same."""
    alone, without_fields = load_text(project, short(faults=[word, {word: None}])).variants[0].scenario.faults
    assert alone == without_fields == FAULTS[word]()


@pytest.mark.parametrize(
    "fault",
    [
        {"delay": {"call": "*", "process": "*"}},
        {"crash": {"process": "function/*", "call": "dynamodb.*"}},
        {"lose_reply": {"process": "f*", "call": "s3.PutObject"}},
        {"timeout": {"call": "acknowledge", "when": "before"}},
        {"harness.faults.function:FunctionCrash": {"nth": 1}},
    ],
)
def test_a_fault_that_can_fire_is_not_refused(project: Path, fault: Any) -> None:
    """Globs, the calls of other services, and faults that are not in the table."""
    assert len(load_text(project, short(faults=[fault])).variants[0].scenario.faults) == 1


OWN = """
from dataclasses import dataclass, field
from typing import Annotated, Literal

from harness.faults.base import Fault
from harness.models import Keywords


@dataclass(frozen=True)
class Where:
    shard: int
    offset: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Own(Fault):
    NAME, PLACES = "own", (("*", "after"),)
    where: Where | None = None
    words: tuple[Literal["a", "b"], ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    level: Annotated[int, Keywords(minimum=1, maximum=9)] = 1

    def __post_init__(self):
        if "b" in self.words and not self.where:
            raise ValueError("b needs a place")


@dataclass(frozen=True, kw_only=True)
class Bytes(Own):
    odd: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Bounded(Own):
    odd: Annotated[int, range(3)] = 1


@dataclass(frozen=True, kw_only=True)
class Unknown(Own):
    odd: "Missing" = 1


@dataclass(frozen=True, kw_only=True)
class Garbled(Own):
    odd: "int |" = 1


class Placeless(Fault):
    NAME = "placeless"
"""


@pytest.mark.parametrize(
    "entry, sentences",
    [
        ({"own_faults:Own": {"level": 10}}, ["own_faults:Own.level: got 10; expected a whole number from 1 to 9"]),
        ({"own_faults:Own": {"levl": 1}}, ["Did you mean 'level'?"]),
        (
            {"own_faults:Own": {"where": {"offset": "x"}, "words": ["c"], "sizes": {"a": 1.5}}},
            [
                "own_faults:Own.where.offset: got 'x'; expected a number",
                "own_faults:Own.where: 'shard' is missing",
                "own_faults:Own.words[0]: got 'c'. Known: a, b",
                "own_faults:Own.sizes.a: got 1.5; expected a whole number",
            ],
        ),
        ({"own_faults:Own": {"words": ["b"]}}, ["own_faults:Own: b needs a place"]),
        (
            "own_faults:Bytes",
            ["'own_faults:Bytes' is not a fault: its fields cannot be read: bytes is no type of a field"],
        ),
        (
            "own_faults:Bounded",
            ["'own_faults:Bounded' is not a fault: its fields cannot be read: range says nothing of a field"],
        ),
        (
            "own_faults:Unknown",
            ["'own_faults:Unknown' is not a fault: its fields cannot be read: name 'Missing' is not defined"],
        ),
        ("own_faults:Garbled", ["'own_faults:Garbled' is not a fault: its fields cannot be read: "]),
        ("own_faults:Placeless", ["'own_faults:Placeless' is not a fault: it has no PLACES"]),
    ],
)
def test_a_mistake_in_a_fault_of_the_users_own_is_told_at_once(project: Path, entry: Any, sentences: list[str]) -> None:
    """By its fields, which may be of other dataclasses; a field of which nothing can be read is the class's mistake."""
    (project / "own_faults.py").write_text(OWN)
    found = sorted(problems(project, short(faults=[entry])))
    assert len(found) == len(sentences)
    assert all(any(sentence in problem for problem in found) for sentence in sentences), found


def test_the_fields_of_a_fault_of_the_users_own_are_read(project: Path) -> None:
    """As its dataclass says, with the fields of every fault."""
    (project / "own_faults.py").write_text(OWN)
    values = {"where": {"shard": 1}, "words": ["a", "b"], "sizes": {"a": 1}, "level": 9, "nth": 2}
    (fault,) = load_text(project, short(faults=[{"own_faults:Own": values}])).variants[0].scenario.faults
    own: Any = fault
    assert (own.where.shard, own.where.offset, own.words, own.sizes, own.level, own.nth) == (
        1,
        0.0,
        ("a", "b"),
        {"a": 1},
        9,
        2,
    )


def test_partial_failure_needs_the_report(project: Path) -> None:
    """Known only with the template: Lambda ignores the answer unless the mapping asks for it (S-76)."""
    variant = load_text(project, short(faults=["crash", "partial_failure"])).variants[0]
    assert check_against_mapping(variant, Mapping(report_batch_item_failures=True)) == []
    (problem,) = check_against_mapping(variant, Mapping())
    assert (problem.path, problem.line > 0) == ("faults[1]", True)
    assert "needs report_batch_item_failures" in problem.message


def test_many_wrong_faults_are_told_at_once(project: Path) -> None:
    """What a fault may say is derived once, and not for each mistake."""
    began = process_time()
    assert len(problems(project, short(faults=[{"crash": {"nthh": 1}}] * 300))) == 300
    assert process_time() - began < 1
