"""Where a row says what it is about is an expression over plain JSON."""

from __future__ import annotations

import pytest

from harness.pipeline.stack import BY_NAME, Attribution, by_key, checked, item_as_json


def test_an_item_becomes_plain_json() -> None:
    """DynamoDB's types are left out, at every depth."""
    item = {
        "S": {"S": "text"},
        "N": {"N": "-7"},
        "F": {"N": "1.5"},
        "B": {"B": b"\x00"},
        "L": {"L": [{"BOOL": True}, {"NULL": True}]},
        "M": {"M": {"inner": {"NS": ["1", "2"]}}},
        "SS": {"SS": ["a"]},
    }
    assert item_as_json(item) == {
        "S": "text",
        "N": -7,
        "F": 1.5,
        "B": "AA==",
        "L": [True, None],
        "M": {"inner": [1, 2]},
        "SS": ["a"],
    }


@pytest.mark.parametrize(
    "expression, found",
    [("order.number", "A-1"), ("lines[0]", "7"), ("absent", None), ("order", None), ("done", None)],
)
def test_what_is_found_is_a_text(expression: str, found: str | None) -> None:
    """A number is taken as it is written; lists, mappings and truth values name nothing."""
    content = {"order": {"number": "A-1"}, "lines": [7], "done": True}
    assert Attribution(expression, expression).intent_in(content) == found
    assert Attribution(expression, expression).item_in(content) == found


def test_an_expression_that_does_not_fit_a_row_finds_nothing() -> None:
    """A function of JMESPath that meets another type is no error of the run."""
    assert Attribution("join('/', id)", "id").intent_in({"id": "x"}) is None


def test_an_item_without_an_id_is_named_by_its_key() -> None:
    """Partition and sort key together, numbers included."""
    assert by_key(("id", "at")) == Attribution("intent", "id")
    assert by_key(("site", "sensor-no")).item_in({"site": "north", "sensor-no": 2}) == "north/2"


def test_a_row_stands_for_one_effect_unless_it_counts() -> None:
    """The attribute `count` is asked for in the tables that say their role themselves."""
    assert (BY_NAME.count_in({"count": 3}), BY_NAME.count_in({})) == (3, 1)
    assert Attribution("intent", "item").count_in({"count": 3}) == 1


def test_requests_are_searched_for_the_last_name() -> None:
    """A request holds attributes, and no row to evaluate an expression on."""
    assert Attribution("order.number", "id").intent_name == "number"


def test_what_is_not_jmespath_is_refused() -> None:
    """In one line."""
    with pytest.raises(ValueError, match=r"'order\[' is not JMESPath") as caught:
        checked("order[")
    assert "\n" not in str(caught.value)
