"""PartiQL writes and the records they leave (S-38)."""

from __future__ import annotations

from database import Table, code, item, refusal
from differences import OBSERVED

A, B = {"v": {"S": "a"}}, {"v": {"S": "b"}}


def test_partiql_writes_leave_records(table: Table) -> None:
    """W21, S-38: INSERT, UPDATE and DELETE are one record each; an UPDATE to the same value is none."""
    execute = table.database.writes.execute_statement
    execute(Statement=f"INSERT INTO \"{table.name}\" VALUE {{'id': 't', 'v': 'a'}}")
    for value in ("b", "b"):
        statement = f'UPDATE "{table.name}" SET v = ? WHERE id = ?'
        execute(Statement=statement, Parameters=[{"S": value}, {"S": "t"}])
    assert execute(Statement=f"SELECT * FROM \"{table.name}\" WHERE id = 't'")["Items"] == [item("t", B)]
    execute(Statement=f"DELETE FROM \"{table.name}\" WHERE id = 't'")
    assert table.names() == ["INSERT", "MODIFY", "REMOVE"]


def test_partiql_reads_numbers_as_they_are_written(table: Table) -> None:
    """With or without digits on either side of the point, a sign and an exponent."""
    execute = table.database.writes.execute_statement
    execute(Statement=f"INSERT INTO \"{table.name}\" VALUE {{'id': 't', 'l': [.5, -.5, 5., 1.5e2]}}")
    answer = execute(Statement=f"SELECT l FROM \"{table.name}\" WHERE id = 't' AND l[0] = .5")["Items"]
    assert [float(number["N"]) for number in answer[0]["l"]["L"]] == [0.5, -0.5, 5, 150]


def test_partiql_refuses_what_the_api_would(table: Table) -> None:
    """W21, S-38: INSERT of an item that exists, UPDATE of one that does not."""
    execute = table.database.writes.execute_statement
    insert = f"INSERT INTO \"{table.name}\" VALUE {{'id': 't', 'v': 'a'}}"
    execute(Statement=insert)
    duplicate = OBSERVED["code for a PartiQL INSERT of an existing item"]
    assert code(refusal(execute, Statement=insert)) == getattr(duplicate, table.database.platform)
    update = f'UPDATE "{table.name}" SET v = ? WHERE id = ?'
    answer = refusal(execute, Statement=update, Parameters=[{"S": "b"}, {"S": "missing"}])
    assert code(answer) == "ConditionalCheckFailedException"
    assert table.names() == ["INSERT"]


def test_partiql_transactions_are_all_or_nothing(table: Table) -> None:
    """W22, S-38: ExecuteTransaction leaves a record for each change, or nothing at all."""
    insert = [{"Statement": f"INSERT INTO \"{table.name}\" VALUE {{'id': '{id}'}}"} for id in ("a", "b")]
    missing = {"Statement": f'UPDATE "{table.name}" SET v = ? WHERE id = ?', "Parameters": [{"S": "b"}, {"S": "z"}]}
    execute = table.database.writes.execute_transaction
    answer = refusal(execute, TransactStatements=[insert[0], missing])
    assert code(answer) == "TransactionCanceledException"
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert table.scan() == []
    for _ in range(2):
        assert execute(TransactStatements=insert, ClientRequestToken="token-22")["Responses"] == []
    assert table.names() == ["INSERT", "INSERT"]
    select = [{"Statement": f"SELECT * FROM \"{table.name}\" WHERE id = '{id}'"} for id in ("a", "z")]
    assert execute(TransactStatements=select)["Responses"] == [{"Item": {"id": {"S": "a"}}}, {}]
