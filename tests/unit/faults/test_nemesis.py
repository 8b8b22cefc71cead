"""The nemesis: which fault fires at which point, whatever else is in the scenario."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.faults import FAULTS
from harness.faults.actions import Delay as DelayAction
from harness.faults.base import Fault
from harness.faults.function import FunctionCrash, FunctionTimeout
from harness.faults.nemesis import LocalTickets, Nemesis
from harness.faults.points import BEFORE, OPERATION, Point, Seed
from harness.faults.wire import ErrorResponse, Latency, LostReply, LostRequest, Noop
from harness.history import FAIL, INFO


def points(count: int) -> list[Point]:
    """Operations of two writers in turn, a millisecond apart, over five items."""
    return [
        Point(
            process=f"writer/{number % 2}",
            call=OPERATION,
            when=BEFORE,
            time=number * 1000,
            intents=(f"todo-{number % 5}/{number}",),
            items=(f"todo-{number % 5}",),
        )
        for number in range(count)
    ]


class Asked:
    """A nemesis, and what it recorded."""

    def __init__(self, *faults: Fault, seed: int = 1) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.tickets = LocalTickets(len(faults))
        self.nemesis = Nemesis(faults, Seed(seed), lambda *operation: self.told.append(operation), self.tickets)

    def at(self, points: list[Point]) -> list[int]:
        """At which of the points anything fired."""
        return [number for number, point in enumerate(points) if self.nemesis.decide(point)]

    def fired(self, fault: int) -> list[str]:
        return [told[3]["point"] for told in self.told if told[1] == INFO and told[3]["fault"] == fault]

    def kept(self) -> list[tuple[int, int, str]]:
        """The faults that another kept from firing: which, by which, where."""
        return [(told[3]["fault"], told[3]["ended_by"], told[3]["point"]) for told in self.told if told[1] == FAIL]


def test_without_an_aim_a_fault_fires_everywhere() -> None:
    """At every point that it can act at; a fault that acts elsewhere never does."""
    assert Asked(Noop()).at(points(4)) == [0, 1, 2, 3]
    assert Asked(FunctionCrash()).at(points(4)) == []


def test_nth_counts_the_points_that_fit() -> None:
    """From 1: the second and the third point of writer/1."""
    asked = Asked(Noop(process="writer/1", nth=(2, 3)))
    assert asked.at(points(10)) == [3, 5]
    assert asked.tickets.matched() == [5]


def test_times_is_a_bound() -> None:
    """The first ones fire."""
    assert Asked(Noop(process="writer/0", times=2)).at(points(10)) == [0, 2]


def test_between_is_a_span_of_the_runs_time() -> None:
    """Its beginning included, its end not."""
    assert Asked(Noop(between=(0.002, 0.004))).at(points(10)) == [2, 3]


def test_what_fired_is_recorded_with_its_point() -> None:
    """The schedule and the history name fault, point and action; the point by process, call, intents and occurrence."""
    asked = Asked(Noop(nth=2))
    asked.at(points(3))
    name = "writer/1 before operation todo-1/1 #1"
    assert [(d.fault, d.point, d.action) for d in asked.nemesis.decisions] == [(0, name, repr(DelayAction(0.0)))]
    (told,) = asked.told
    assert told[:3] == ("nemesis", "info", "noop")
    assert told[3] == {
        "fault": 0,
        "point": name,
        "process": "writer/1",
        "action": repr(DelayAction(0.0)),
        "intents": ["todo-1/1"],
    }


def test_equal_points_are_told_apart_by_their_occurrence() -> None:
    """The same operation of the same writer for the third time is #3."""
    asked = Asked(Noop(nth=3))
    asked.at([points(1)[0]] * 4)
    assert asked.fired(0) == ["writer/0 before operation todo-0/0 #3"]


def test_after_healing_nothing_fires() -> None:
    """And nothing is counted any more."""
    asked = Asked(Noop())
    asked.at(points(2))
    asked.tickets.heal()
    assert asked.at(points(2)) == []
    assert asked.tickets.matched() == [2]


def test_faults_at_one_point_are_in_the_order_of_the_scenario() -> None:
    """Each of them acts."""
    asked = Asked(Noop(), Noop(nth=1))
    assert len(asked.nemesis.decide(points(1)[0])) == 2
    assert [told[3]["fault"] for told in asked.told if told[1] == INFO] == [0, 1]


def test_nothing_fires_where_nobody_comes_any_more() -> None:
    """A refused call cannot crash too: the second fault counts the point, and fires at the next one instead, or never
    if it was aimed at this one alone. What merely takes time leaves the point to the others."""
    call = Point("function/1", "dynamodb.PutItem", BEFORE, effect=True)
    for first in (ErrorResponse(times=1), LostRequest(times=1), FunctionTimeout(when="before", times=1)):
        asked = Asked(first, FunctionCrash(when="before", times=1))
        assert [len(asked.nemesis.decide(call)) for _ in range(3)] == [1, 1, 0]
        assert [told[3]["fault"] for told in asked.told if told[1] == INFO] == [0, 1]
    aimed = Asked(ErrorResponse(nth=1), FunctionCrash(when="before", nth=1))
    assert [len(aimed.nemesis.decide(call)) for _ in range(3)] == [1, 0, 0]
    assert aimed.tickets.matched() == [3, 3]
    waiting = Asked(Latency(times=1), FunctionCrash(when="before", times=1))
    assert [len(waiting.nemesis.decide(call)) for _ in range(3)] == [2, 0, 0]


PROBABLE = st.builds(
    Noop,
    process=st.sampled_from(["*", "writer/0", "writer/1"]),
    item=st.sampled_from(["*", "todo-1", "todo-[34]"]),
    probability=st.sampled_from([0.1, 0.5, 0.9]),
    times=st.sampled_from([None, 3]),
)


@given(st.lists(PROBABLE, min_size=1, max_size=4, unique=True), st.data())
def test_taking_a_fault_away_changes_nothing_for_the_others(faults: list[Noop], data: st.DataObject) -> None:
    """Whichever one: each other fault fires at the very same points."""
    away = data.draw(st.integers(0, len(faults) - 1))
    everything, less = Asked(*faults), Asked(*faults[:away], *faults[away + 1 :])
    for asked in (everything, less):
        asked.at(points(40))
    kept = [everything.fired(index) for index in range(len(faults)) if index != away]
    assert kept == [less.fired(index) for index in range(len(faults) - 1)]


@settings(deadline=None)  # the time is not what it proves
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.3, 0.7]))
def test_a_probability_is_about_kept(seed: int, probability: float) -> None:
    """Over a thousand points, for any seed."""
    share = len(Asked(Noop(probability=probability), seed=seed).at(points(1000))) / 1000
    assert abs(share - probability) < 0.09


def test_equal_faults_draw_apart() -> None:
    """Two of the same fault with the same probability are two chances, not one."""
    asked = Asked(Noop(probability=0.5), Noop(probability=0.5))
    asked.at(points(40))
    assert asked.fired(0) != asked.fired(1)


def test_every_fault_has_a_place_where_it_decides_something() -> None:
    """No fault of the table is a word without a deed."""
    for name, fault in FAULTS.items():
        made = fault()
        found = [
            made.decide(point)
            for call, when in made.PLACES
            for point in [Point("function/1", "dynamodb.PutItem" if call == "*" else call, when, effect=True)]
        ]
        assert any(found), name


PUT = [Point(process="writer/0", call="dynamodb.PutItem", when=BEFORE, intents=("a/1",), attempt=n) for n in (1, 2)]


def test_a_fault_that_another_keeps_from_firing_is_told_once() -> None:
    """Where the other had ended the call: at the same point, or because the call was never carried out."""
    asked = Asked(Latency(), LostRequest(nth=(1, 2)), ErrorResponse(), LostReply(), Latency(when="after"))
    asked.at(PUT)
    before, after = "writer/0 before dynamodb.PutItem a/1", "writer/0 after dynamodb.PutItem a/1"
    assert asked.fired(0) == asked.fired(1) == [f"{before} #1", f"{before} #2"]
    assert asked.kept() == [(2, 1, f"{before} #1"), (3, 1, f"{after} #1"), (4, 1, f"{after} #1")]
    assert asked.tickets.matched() == [2, 2, 2, 0, 0]


def test_a_fault_whose_turn_is_another_point_is_not_kept() -> None:
    """It would not have fired there anyway."""
    asked = Asked(LostRequest(nth=1), ErrorResponse(nth=2), ErrorResponse(probability=0.0), LostReply(item="b"))
    asked.at(PUT)
    assert asked.fired(1)
    assert asked.kept() == []
