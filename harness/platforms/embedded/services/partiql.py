"""PartiQL statements on the item storage: moto parses and selects, and what it accepts wrongly is refused here."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MultipleTransactionsException,
    TransactionCanceledException,
)
from moto.dynamodb.parsing import partiql

from harness.errors import NotImitated
from harness.platforms.embedded.services.expressions import Body
from harness.platforms.embedded.services.items import ItemStorage, Touch
from harness.platforms.embedded.services.values import Item, canonical_item


class PartiQL:
    """Executes statements in order. `touched` lists the items to restore when one raises."""

    def __init__(self, storage: ItemStorage) -> None:
        self._storage = storage
        self.touched: list[Touch] = []

    def execute_statement(self, body: Body) -> Body:
        unknown = [name for name in ("Limit", "NextToken") if name in body]
        if unknown:
            raise NotImitated(f"dynamodb.ExecuteStatement with {unknown[0]} is not imitated: there are no pages")
        return {"Items": self._execute(body)}

    def batch_execute_statement(self, body: Body) -> Body:
        """Executes each statement separately. Raises ValidationException for reads and writes in one batch."""
        statements = body["Statements"]
        if len({_verb(statement) == "SELECT" for statement in statements}) > 1:
            raise JsonRESTError("ValidationException", "Read and write requests together in the same batch")
        return {"Responses": [self._respond(statement) for statement in statements]}

    def execute_transaction(self, body: Body) -> Body:
        """Executes all statements or none: reads have a response each, writes none (recorded on AWS).

        Raises TransactionCanceledException with a reason for each statement.
        """
        responses: list[Body] = []
        reasons: list[tuple[str | None, str | None, Item | None]] = []
        for statement in body["TransactStatements"]:
            try:
                items = self._execute(statement)
                responses.append({"Item": items[0]} if items else {})
                reasons.append((None, None, None))
            except ConditionalCheckFailed as error:
                reasons.append(("ConditionalCheckFailed", error.message, None))
            except JsonRESTError as error:
                code = error.relative_error_type.removesuffix("Exception")
                reasons.append((code, error.message, None))
        if any(code for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)
        reads = all(_verb(statement) == "SELECT" for statement in body["TransactStatements"])
        return {"Responses": responses if reads else []}

    def _respond(self, statement: Body) -> Body:
        try:
            items = self._execute(statement)
        except JsonRESTError as error:
            code = error.relative_error_type.removesuffix("Exception")
            return {"Error": {"Code": code, "Message": error.message}}
        return {"Item": items[0]} if items else {}

    def _execute(self, statement: Body) -> list[Item]:
        backend = self._storage.backend
        source = {name: self._storage.images(name) for name in backend.tables}
        items: list[Item]
        items, updates = partiql.query(statement["Statement"], source, statement.get("Parameters", []))
        changes = [(name, before, after) for name, pairs in updates.items() for before, after in pairs]
        if _verb(statement) == "UPDATE" and not changes:
            raise ConditionalCheckFailed
        for name, before, after in changes:
            key = self._storage.key(name, after if after is not None else before)
            image = self._storage.image(name, key)
            if before is None and image is not None:
                raise JsonRESTError("DuplicateItemException", "Duplicate primary key exists in table")
            if any((touch.table, touch.key) == (name, key) for touch in self.touched):
                raise MultipleTransactionsException
            self.touched.append(Touch(name, key, image))
            if after is None:
                self._storage.delete(name, key)
            else:
                self._storage.put(name, canonical_item(after))
        return [canonical_item(item) for item in items]


def _verb(statement: Body) -> str:
    return str(statement["Statement"].split(None, 1)[0].upper())
