"""Items of the user's own fit the table that they are written to, or it is said which do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.faults.points import Seed
from harness.jobs import jobs_of
from harness.pipeline.resources import Table
from harness.pipeline.stack import Attribution, by_key
from harness.scenario.model import Workload
from harness.workload.items import changes, made_up_key, own_items, typed

OWN = Path(__file__).parents[2] / "own_template"
SENSORS = Table("Sensors", "sensors", "site", "number", {"site": "S", "number": "N"})
AT = by_key(SENSORS.key_names)


def refused(*data: dict[str, Any], at: Attribution = AT) -> list[str]:
    with pytest.raises(UserError) as caught:
        own_items(data, SENSORS, at)
    return [str(problem) for problem in caught.value.problems]


def test_an_item_keeps_its_attributes_and_is_named_by_its_key() -> None:
    """Each value has the type that DynamoDB gives it."""
    (item,) = own_items([{"site": "north", "number": 2, "hot": True, "tags": ["a", None]}], SENSORS, AT)
    assert item.name == "north/2"
    assert item.key == {"site": {"S": "north"}, "number": {"N": "2"}}
    assert item.attributes == {**item.key, "hot": {"BOOL": True}, "tags": {"L": [{"S": "a"}, {"NULL": True}]}}
    assert item.intent is None


def test_a_key_that_an_item_lacks_is_made() -> None:
    """So that to-do items can be written to any table, and items to a table with one key more."""
    assert made_up_key("todo-3", 3, SENSORS) == {"site": {"S": "todo-3"}, "number": {"N": "3"}}
    (item,) = own_items([{"site": "north"}], SENSORS, AT)
    assert item.key == {"site": {"S": "north"}, "number": {"N": "0"}}


def test_what_does_not_fit_is_said_of_every_item() -> None:
    """Keys of another type, and keys that come twice."""
    assert refused({"site": 1, "number": 2}, {"site": "a", "number": 1}, {"site": "a", "number": 1}) == [
        "workload.data: item 0: 'site' is a key of Sensors and must be a string: got 1",
        "workload.data: items 1 and 2 have the same key",
    ]


def test_an_item_may_name_its_own_intent() -> None:
    """Then no two may have the same."""
    at = Attribution("reading", AT.item)
    data = [{"site": "a", "number": number, "reading": "r-1"} for number in (1, 2)]
    assert own_items(data[:1], SENSORS, at)[0].intent == "r-1"
    assert refused(*data, at=at) == ["workload.data: items 0 and 1 have the same intent"]


def test_plain_json_gets_types() -> None:
    """A truth value is no number."""
    assert typed({"a": 1.5, "b": False}) == {"M": {"a": {"N": "1.5"}, "b": {"BOOL": False}}}


@pytest.mark.parametrize(
    "setting, value, problem",
    [
        ("workload.intents", "5", "got 5; items that name their intent (`orderId`) are written once: at most 4"),
        ("workload.items", "5", "got 5; expected at most 4"),
        ("workload.data", "orders/order.yaml", "Did you mean 'orders.yaml'?"),
        ("workload.data", "orders/src/billing/prices.py", "is not YAML"),
        ("workload.data", "orders/scenario.yaml", "expected a list of items, each with attributes"),
        ("pipeline.source.intent", "'order['", "'order[' is not JMESPath"),
        ("pipeline.sinks.InvoicesTabel", "{}", "Did you mean 'InvoicesTable'?"),
        ("pipeline.sinks", "{}", "nothing says where effects land"),
        ("pipeline.function", "Billing", "no function 'Billing'"),
        ("pipeline.template", "null", "name a template, or a handler with one beside it"),
    ],
)
def test_a_mistake_is_found_before_anything_runs(setting: str, value: str, problem: str) -> None:
    """It names the field of the scenario."""
    with pytest.raises(UserError) as caught:
        jobs_of([OWN / "orders" / "scenario.yaml"], {setting: value})
    assert problem in str(caught.value)
    assert setting.partition("[")[0] in str(caught.value)


def test_writers_that_share_take_turns_at_each_item() -> None:
    """Whatever the numbers of items and writers; else each item has one writer."""
    turns = {share: work(share) for share in (False, True)}
    assert turns[False] == [["0/1", "0/2", "0/3"], ["1/1", "1/2", "1/3"]]
    assert turns[True] == [["0/1", "1/2", "0/3"], ["1/1", "0/2", "1/3"]]


def work(share: bool) -> list[list[str]]:
    workload = Workload(writer="put", intents=6, items=2, writers=2, share=share)
    by_writer = changes(workload, Seed(0), SENSORS, AT)
    return [[f"{change.item[-1]}/{change.number}" for change in own] for own in by_writer]
