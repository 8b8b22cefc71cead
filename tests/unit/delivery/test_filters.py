"""Filters: which records the event patterns of a mapping let through (S-84)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.delivery.filters import check, passes
from harness.errors import NotImitated, UserError

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {
        "Keys": {"id": {"S": "todo-1"}},
        "NewImage": {
            "id": {"S": "todo-1"},
            "title": {"S": "Buy milk"},
            "done": {"BOOL": True},
            "note": {"NULL": True},
            "empty": {"S": ""},
            "version": {"N": "5"},
            "tags": {"SS": ["home", "shop"]},
            "steps": {"L": [{"S": "walk"}, {"M": {"how": {"S": "far"}}}]},
        },
        "SizeBytes": 26,
        "absent": None,
    },
}


def new_image(**attributes):
    return {"dynamodb": {"NewImage": attributes}}


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ({"eventName": ["MODIFY"]}, True),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["INSERT"]}, False),
        ({"eventName": ["MODIFY"], **new_image(title={"S": ["Buy milk"]})}, True),
        ({"eventName": ["INSERT"], **new_image(title={"S": ["Buy milk"]})}, False),
        (new_image(done={"BOOL": [True]}), True),
        (new_image(done={"BOOL": [1]}), False),
        (new_image(empty={"S": [""]}), True),
        ({"dynamodb": {"absent": [None]}}, True),
        ({"dynamodb": {"gone": [None]}}, False),
        ({"dynamodb": {"SizeBytes": [26.0]}}, True),
        (new_image(tags={"SS": ["shop", "work"]}), True),
        (new_image(tags={"SS": ["work"]}), False),
        (new_image(steps={"L": {"S": ["walk"]}}), True),
        (new_image(steps={"L": {"M": {"how": {"S": ["far"]}}}}), True),
        (new_image(steps={"L": {"S": ["run"]}}), False),
    ],
)
def test_exact_values_match_any_entry_of_a_list_and_all_fields_must_match(pattern, expected):
    """A list is OR, several fields are AND; truth is not the number one, and an array matches by any element."""
    assert passes(RECORD, [pattern]) is expected


@pytest.mark.parametrize(
    "matcher, expected",
    [
        ({"prefix": "Buy"}, True),
        ({"prefix": "buy"}, False),
        ({"suffix": "milk"}, True),
        ({"suffix": "Milk"}, False),
        ({"equals-ignore-case": "BUY MILK"}, True),
        ({"equals-ignore-case": "BUY"}, False),
        ({"anything-but": "Buy milk"}, False),
        ({"anything-but": ["Buy bread", "Buy eggs"]}, True),
        ({"exists": True}, True),
        ({"exists": False}, False),
    ],
)
def test_operators_on_text(matcher, expected):
    """Each documented operator, where it matches and where it does not."""
    assert passes(RECORD, [new_image(title={"S": [matcher]})]) is expected


@pytest.mark.parametrize(
    "matcher, expected",
    [({"exists": False}, True), ({"exists": True}, False), ({"anything-but": "x"}, False), ({"prefix": ""}, False)],
)
@pytest.mark.parametrize("path", ["gone", "title"])
def test_what_is_no_leaf_counts_as_absent(path, matcher, expected):
    """`exists` looks at leaves only: an attribute that has fields of its own (its type) is none, like a missing one."""
    assert passes(RECORD, [new_image(**{path: [matcher]})]) is expected


def test_a_missing_parent_makes_its_leaves_absent():
    """On an INSERT there is no OldImage, so nothing in it exists."""
    assert passes(RECORD, [{"dynamodb": {"OldImage": {"title": {"S": [{"exists": False}]}}}}])


@pytest.mark.parametrize("bounds", [["=", 5], [">", 0], ["<=", 5], [">", 0, "<=", 150.5]])
def test_numeric_operators_do_not_match_dynamodb_numbers(bounds):
    """They are strings in the event; numbers of the event itself do match."""
    assert not passes(RECORD, [new_image(version={"N": [{"numeric": bounds}]})])
    assert passes({"dynamodb": {"SizeBytes": 5}}, [{"dynamodb": {"SizeBytes": [{"numeric": bounds}]}}])


@pytest.mark.parametrize("bounds", [["=", 6], [">", 5], [">=", 6, "<", 9], ["<", 5]])
def test_numeric_operators_refuse_what_is_out_of_bounds(bounds):
    """Every bound must hold."""
    assert not passes({"dynamodb": {"SizeBytes": 5}}, [{"dynamodb": {"SizeBytes": [{"numeric": bounds}]}}])


@pytest.mark.parametrize(
    "names, sizes, expected", [(["INSERT"], [26], True), (["MODIFY"], [1], True), (["INSERT"], [1], False)]
)
def test_or_joins_alternatives_over_fields(names, sizes, expected):
    """`$or` needs one of its patterns, and the fields beside it as well."""
    pattern = {"$or": [{"eventName": names}, {"dynamodb": {"SizeBytes": sizes}}]}
    assert passes(RECORD, [pattern]) is expected
    assert not passes(RECORD, [{**pattern, "awsRegion": ["nowhere"]}])


def test_patterns_are_joined_by_or_and_none_lets_everything_through():
    """A record needs to match one filter of several (S-84)."""
    assert passes(RECORD, [{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}])
    assert not passes(RECORD, [{"eventName": ["INSERT"]}, {"eventName": ["REMOVE"]}])
    assert passes(RECORD, [])


@pytest.mark.parametrize(
    "matcher, named",
    [
        ({"wildcard": "a*b"}, "wildcard"),
        ({"cidr": "10.0.0.0/24"}, "cidr"),
        ({"prefiks": "a"}, "Did you mean 'prefix'"),
        ({"prefix": {"equals-ignore-case": "a"}}, "prefix"),
        ({"anything-but": {"prefix": "a"}}, "anything-but"),
        ({"numeric": ["!=", 1]}, "numeric"),
        ({"numeric": [">"]}, "numeric"),
        ({"exists": "yes"}, "exists"),
    ],
)
def test_what_is_not_imitated_is_named_before_anything_runs(matcher, named):
    """An operator, or an argument, that is not imitated raises with its name and its place."""
    with pytest.raises(NotImitated, match=named) as raised:
        check([new_image(title={"S": [matcher]})])
    assert "filter_criteria[0].dynamodb.NewImage.title.S[0]" in str(raised.value)


@pytest.mark.parametrize(
    "pattern, place",
    [
        ({}, "filter_criteria[0]"),
        ("MODIFY", "filter_criteria[0]"),
        ({"eventName": "MODIFY"}, "filter_criteria[0].eventName"),
        ({"eventName": []}, "filter_criteria[0].eventName"),
        ({"eventName": [["MODIFY"]]}, "filter_criteria[0].eventName[0]"),
        ({"eventName": [{"prefix": "M", "suffix": "Y"}]}, "filter_criteria[0].eventName[0]"),
        ({"$or": {"eventName": ["MODIFY"]}}, "filter_criteria[0].$or"),
        ({"$or": [{"eventName": "MODIFY"}]}, "filter_criteria[0].$or[0].eventName"),
    ],
)
def test_what_is_no_pattern_is_the_users_mistake(pattern, place):
    """The error says where."""
    with pytest.raises(UserError) as raised:
        check([pattern])
    assert [problem.path for problem in raised.value.problems] == [place]


MATCHERS = st.one_of(
    st.sampled_from(["Buy milk", "", None, True, 26]),
    st.sampled_from(
        [{"prefix": "B"}, {"suffix": "k"}, {"exists": True}, {"exists": False}, {"anything-but": ["x", 1]}]
    ),
    st.just({"numeric": [">", 1, "<", 100]}),
)
FIELDS = st.sampled_from(["eventName", "dynamodb", "NewImage", "title", "S", "SizeBytes", "tags", "steps", "L"])
PATTERNS = st.recursive(
    st.dictionaries(FIELDS, st.lists(MATCHERS, min_size=1, max_size=2), min_size=1, max_size=2),
    lambda inner: (
        st.dictionaries(FIELDS, inner, min_size=1, max_size=2)
        | st.lists(inner, min_size=1, max_size=2).map(lambda alternatives: {"$or": alternatives})
    ),
    max_leaves=6,
)


@given(st.lists(PATTERNS, min_size=1, max_size=3))
def test_a_checked_pattern_always_gives_an_answer(patterns):
    """Whatever has passed the check never raises, and several patterns answer as any of them."""
    check(patterns)
    assert passes(RECORD, patterns) is any([passes(RECORD, [pattern]) for pattern in patterns])
