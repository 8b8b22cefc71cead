"""What a function's answer means, in every shape."""

from __future__ import annotations

import pytest
from stream_records import batch, reported

from harness.delivery.redelivery import UNREADABLE, Answer, read

THREE = batch("9", "10", "11").records


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"misspelt": [1]}]
)
def test_these_answers_are_success(answer):
    """Null, nothing reported, and a misspelt outer key, all count as success (S-72)."""
    assert read(answer, THREE) == Answer(3)


@pytest.mark.parametrize(
    "failure",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"id": "9"},
        {"itemIdentifier": "12"},
        {"itemIdentifier": 9},
        "9",
        None,
    ],
)
def test_an_identifier_that_names_no_record_fails_the_whole_batch(failure):
    """Empty, null, misspelt and unknown identifiers fail everything, even beside a good one (S-73, S-74)."""
    assert read({"batchItemFailures": [failure]}, THREE) == UNREADABLE
    assert read({"batchItemFailures": [{"itemIdentifier": "11"}, failure]}, THREE) == UNREADABLE


@pytest.mark.parametrize(
    "answer", ["", "ok", 0, 1, True, False, ["9"], {"batchItemFailures": {}}, {"batchItemFailures": "9"}]
)
def test_an_answer_of_another_type_fails_the_whole_batch(answer):
    """AWS says nothing of these; failure promises less than success (S-77)."""
    assert read(answer, THREE) == UNREADABLE


@pytest.mark.parametrize(
    "identifiers, done", [(["9"], 0), (["10"], 1), (["11", "10"], 1), (["11", "9"], 0), (["11", "11"], 2)]
)
def test_the_lowest_reported_sequence_number_is_the_checkpoint(identifiers, done):
    """Lowest as a number: as texts, 10 and 11 come before 9 (S-75)."""
    assert read(reported(*identifiers).payload, THREE) == Answer(done)
