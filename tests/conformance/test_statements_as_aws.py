"""PartiQL as AWS answers it: recorded by nubo-db/dynamodb-conformance and nubo-db/dynoxide, run against AWS."""

from __future__ import annotations

from typing import Any

import pytest
from database import embedded, indexed_table, refusal

NO_KEY = "must specify the primary key in the where clause"
ITEM = {"p": {"S": "x"}, "g": {"S": "y"}, "a": {"N": "1"}}


@pytest.fixture
def calls() -> Any:
    """A client, and a table with the key `p`, one item, and the index `keys` on `g` that holds keys alone."""
    client = embedded().writes
    indexed_table(client)
    client.put_item(TableName="Table", Item=ITEM)
    return client


def words(call: Any, **parameters: Any) -> str:
    return str(refusal(call, **parameters)["Error"]["Message"])


def batch(calls: Any, *statements: str) -> Any:
    return calls.batch_execute_statement(Statements=[{"Statement": text} for text in statements])["Responses"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT * FROM Table.none WHERE g = 'y'", "The table does not have the specified index"),
        ("SELECT * FROM Table.keys.more WHERE g = 'y'", "A path may contain at most 2 components in the FROM clause"),
        ("SELECT * FROM Table.\"\" WHERE g = 'y'", "Path component cannot be an empty string"),
        (
            "SELECT a FROM Table.keys WHERE g = 'y'",
            "One or more parameter values were invalid: Global secondary index keys does not project [a]",
        ),
        (
            "SELECT * FROM Table.keys WHERE g = 'y' AND a = 1",
            "One or more parameter values were invalid: "
            "Secondary index keys does not project one or more filter attributes: [a]",
        ),
        (
            "DELETE FROM Table WHERE p = 'x' RETURNING MODIFIED OLD *",
            "Invalid returning clause: RETURNING MODIFIED OLD *. "
            "Only RETURNING ALL OLD * is allowed in DELETE statements.",
        ),
        ("SELECT * FROM Table WHERE p = ? AND a = ?", "Number of parameters in request and statement don't match."),
    ],
)
def test_a_statement_is_refused_in_words(statement: str, message: str, calls: Any) -> None:
    """What an index does not have, what a path may be, and what a deletion may return."""
    assert words(calls.execute_statement, Statement=statement) == message


def test_a_filter_on_an_index_that_lacks_the_attribute_finds_nothing_in_a_scan(calls: Any) -> None:
    """Without the index's partition key the statement is a scan."""
    assert calls.execute_statement(Statement="SELECT * FROM Table.keys WHERE a = 1")["Items"] == []


@pytest.mark.parametrize("where", ["a = 1", "p = 'x' AND a = 1", "p > 'x'"])
def test_a_select_in_a_batch_or_a_transaction_names_the_key_and_nothing_else(where: str, calls: Any) -> None:
    """In a batch that is the error of one statement, in a transaction of all."""
    select = f"SELECT * FROM Table WHERE {where}"
    wrong, right = batch(calls, select, "SELECT * FROM Table WHERE p = 'x'")
    assert (wrong["Error"]["Code"], NO_KEY in wrong["Error"]["Message"], "TableName" in wrong) == (
        "ValidationError",
        True,
        False,
    )
    assert right == {"TableName": "Table", "Item": ITEM}
    told = words(calls.execute_transaction, TransactStatements=[{"Statement": select}])
    assert told.startswith("Validation failed in TransactStatements[0]:")
    assert NO_KEY in told


def test_no_index_is_read_in_a_batch_or_a_transaction(calls: Any) -> None:
    """Two reasons, one for each."""
    select = "SELECT * FROM Table.keys WHERE g = 'y'"
    assert NO_KEY in batch(calls, select)[0]["Error"]["Message"]
    told = words(calls.execute_transaction, TransactStatements=[{"Statement": select}])
    assert told == "Validation failed in TransactStatements[0]: Reads on indices are not supported within transactions."


def test_exists_needs_a_condition_beside_the_key(calls: Any) -> None:
    """EXISTS of the key alone would say no more than a condition of a write can."""
    update = {"Statement": "UPDATE Table SET a = 2 WHERE p = 'x'"}
    exists = {"Statement": "EXISTS(SELECT * FROM Table WHERE p = 'y')"}
    told = words(calls.execute_transaction, TransactStatements=[update, exists])
    assert told.endswith("EXISTS() must contain a single item read with additional condition")
    calls.put_item(TableName="Table", Item={"p": {"S": "y"}, "a": {"N": "1"}})
    exists["Statement"] = "EXISTS(SELECT * FROM Table WHERE p = 'y' AND a = 1)"
    assert calls.execute_transaction(TransactStatements=[update, exists])["Responses"] == []


def test_a_batch_tells_the_table_of_a_statement_that_ran(calls: Any) -> None:
    """Also of one that failed then; not of one that was refused before."""
    insert = "INSERT INTO Table VALUE {'p': 'x'}"
    malformed, duplicate = batch(calls, "SLECT", insert)
    assert (malformed["Error"]["Code"], "TableName" in malformed) == ("ValidationError", False)
    assert (duplicate["Error"]["Code"], duplicate["TableName"]) == ("DuplicateItem", "Table")


def test_a_write_without_the_key_cancels_a_transaction(calls: Any) -> None:
    """The reason stands at its place."""
    deletes = [{"Statement": f"DELETE FROM Table WHERE {where}"} for where in ("p = 'x'", "a = 1")]
    answer = refusal(calls.execute_transaction, TransactStatements=deletes)
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ValidationError"]
    assert calls.scan(TableName="Table")["Count"] == 1


@pytest.mark.parametrize("text", ["(" * 2000, "NOT " * 2000, "[" * 2000])
def test_a_statement_as_deep_as_it_is_long_is_refused(text: str, calls: Any) -> None:
    """8,192 characters could be thousands of levels: an error of the service, not of Python."""
    told = words(calls.execute_statement, Statement=f"SELECT * FROM Table WHERE p = 'x' AND {text}")
    assert told.startswith("Statement wasn't well formed")
