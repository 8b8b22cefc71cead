"""Tables, items and expressions of moto, without its HTTP layer, and corrected where moto is wrong.

Kept from moto: storage, expressions, messages, error bodies. Corrected, against AWS and DynamoDB Local:

- a stream: moto writes records where nothing changed, and two for an upsert (O-01); it is never given a stream,
  and the caller compares the images before and after instead;
- numbers and sets keep one spelling (values), arithmetic has 38 digits (moto: 28), and in a plain expression
  an attribute that was set from another keeps that value (moto stores one object twice, so that changing one of them
  in the same expression changes both);
- conditions compare by type, and a missing attribute with nothing; a path leads through maps and lists (expressions);
- a write that raises half-way leaves its item as it was (moto: an upsert or the first clauses stay);
- a transaction copies no table, and cancels as a whole (O-06); 100 reads in one (moto: 25), with projections;
- UPDATED_OLD and UPDATED_NEW name every top-level attribute that the expression names, changed or not;
- UpdateItem without an expression creates the item or does nothing (moto: an internal error);
- a key with other attributes or types than the table's is refused (moto finds no item), as are more than 25 writes in
  a batch and a put and a delete of one item in it;
- ConsumedCapacity is answered only where it is asked for; creation times come from the run's clock;
- objects are not collected in moto's process-wide lists, where they would outlive the run.

Known gaps: an update of nested paths in an item above 200 kB may be refused as too large;
FilterExpression of Query and Scan means what it means to moto; PartiQL is what moto parses.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from decimal import localcontext

from moto.dynamodb.exceptions import ConditionalCheckFailed, ItemSizeTooLarge, MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.dynamo_type import Item as StoredItem
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import (
    DynamoHandler,
    validate_put_has_empty_keys,
    validate_put_has_gsi_keys_set_to_none,
)

from harness.pipeline.resources import ACCOUNT, REGION
from harness.platforms.embedded.services.expressions import Body, check_paths, check_placeholders, holds, wire_value
from harness.platforms.embedded.services.updates import Action, applied, compiled
from harness.platforms.embedded.services.values import ARITHMETIC, Item, size

MAX_ITEM_BYTES = 400 * 1024
KEY_MISMATCH = "The provided key element does not match the schema"


@dataclass(frozen=True, slots=True)
class Touch:
    """An item that a call may change, and its image before the call."""

    table: str
    key: Item
    before: Item | None


class ItemStorage:
    """The tables of one account in one Region. Two instances share nothing. Errors are moto's JsonRESTError."""

    def __init__(self) -> None:
        self.backend = DynamoDBBackend(REGION, ACCOUNT)
        self._handler = _MotoActions(self.backend)
        self._plans: dict[tuple[object, ...], list[Action] | None] = {}

    def run(self, action: str, body: Body) -> Body:
        """The answer of moto's action of that name (put_item, …) to the body, as plain JSON with bytes."""
        self._handler.body = body
        StoredItem.instances_tracked.clear()
        result: Body = getattr(self._handler, action)().result
        if "ReturnConsumedCapacity" not in body:
            result.pop("ConsumedCapacity", None)
        return result

    def table(self, name: str) -> Table:
        """The table of that name or ARN. Raises ResourceNotFoundException."""
        return self.backend.get_table(name)

    def key(self, table_name: str, attributes: Item, whole: bool = False) -> Item:
        """The key of an item, or `attributes` itself where it has to be a `whole` key. Raises ValidationException."""
        table = self.backend.get_table(table_name)
        types = {table.hash_key_attr: table.hash_key_type, table.range_key_attr: table.range_key_type}
        if table.range_key_attr is None:
            del types[None]
        key = {name: attributes[name] for name in types if name in attributes}
        fits = all(name in key and list(key[name]) == [kind] for name, kind in types.items())
        if not fits or (whole and len(attributes) != len(types)):
            raise MockValidationException(KEY_MISMATCH)
        return key

    def image(self, table_name: str, key: Item) -> Item | None:
        """The item as it is now, canonical, sharing nothing with the storage."""
        stored = self.backend.get_item(table_name, key)
        return None if stored is None else {name: wire_value(value) for name, value in stored.attrs.items()}

    def images(self, table_name: str) -> list[Item]:
        """Every item of the table, in the order of the keys."""
        table = self.backend.get_table(table_name)
        return [{name: wire_value(value) for name, value in stored.attrs.items()} for stored in table.all_items()]

    def check(self, call: Body, touch: Touch) -> None:
        """Raises ConditionalCheckFailed, with the item as it is where the call wants it (S-03)."""
        check_placeholders(call)
        condition = call.get("ConditionExpression")
        if condition is None:
            return
        stored = None if touch.before is None else self.backend.get_item(touch.table, touch.key)
        if not holds(condition, call.get("ExpressionAttributeNames"), call.get("ExpressionAttributeValues"), stored):
            wanted = call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionalCheckFailed(item=touch.before if wanted else None)

    def put(self, table_name: str, item: Item) -> None:
        table = self.backend.get_table(table_name)
        validate_put_has_empty_keys(item, table)
        validate_put_has_gsi_keys_set_to_none(item, table)
        table._validate_key_sizes(item)
        if size(item) > MAX_ITEM_BYTES:
            raise ItemSizeTooLarge
        stored = object.__new__(StoredItem)  # moto's constructor weighs the item anew for every attribute
        stored.hash_key, stored.range_key = self.backend.get_keys_value(table, item)
        stored.attrs = LimitedSizeDict()
        dict.update(stored.attrs, {name: DynamoType(value) for name, value in item.items()})
        if stored.range_key is None:
            table.items[stored.hash_key] = stored
        else:
            table.items[stored.hash_key][stored.range_key] = stored

    def delete(self, table_name: str, key: Item) -> None:
        table = self.backend.get_table(table_name)
        table.delete_item(*self.backend.get_keys_value(table, key))

    def update(self, touch: Touch, call: Body) -> None:
        """Applies the UpdateExpression; without one it creates the item if it does not exist.

        moto checks an expression the first time. Later a plain expression with values of the same types is applied
        without moto.
        """
        expression, before = call.get("UpdateExpression", ""), touch.before or touch.key
        if not expression:
            self.put(touch.table, before)
            return
        names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
        types = tuple((name, *value) for name, value in values.items())
        shape = (touch.table, *touch.key, expression, tuple(names.items()), types)
        plan = self._plans.get(shape)
        image = applied(plan, before, values) if plan else None
        if image is None:
            check_paths(call, before)
            image = self._updated_by_moto(touch, expression, names, values)
            plan = self._plans[shape] = compiled(expression, names)
            image = (applied(plan, before, values) if plan else None) or image
        self.put(touch.table, image)

    def _updated_by_moto(self, touch: Touch, expression: str, names: Body, values: Body) -> Item:
        if touch.before is not None:  # moto changes values in place, and these may be part of an image
            self.put(touch.table, deepcopy(touch.before))
        with localcontext(ARITHMETIC):
            stored = self.backend.update_item(touch.table, touch.key, expression, names, values)
        return {name: wire_value(value) for name, value in stored.attrs.items()}

    def restore(self, touch: Touch) -> None:
        """Restores an item to what it was before the call."""
        if touch.before is None:
            self.delete(touch.table, touch.key)
        else:
            self.put(touch.table, touch.before)


class _MotoActions(DynamoHandler):  # type: ignore[misc]
    """Moto's actions on a backend of their own instead of the process-wide one."""

    def __init__(self, backend: DynamoDBBackend) -> None:
        super().__init__()
        self.body: Body = {}
        self._backend = backend

    @property
    def dynamodb_backend(self) -> DynamoDBBackend:
        return self._backend
