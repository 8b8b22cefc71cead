"""What a handler reads is found in its sources."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from harness.trying.reads import DATA, IMAGES, LIST, MAP, NUMBER, TEXT, TIME, TRUTH, HandlerReads, reads_of


def reads(folder: Path, code: str, wrappers: frozenset[str] = IMAGES) -> HandlerReads:
    (folder / "app.py").write_text(dedent(code))
    return reads_of(folder, ["app.py"], wrappers)


@pytest.mark.parametrize(
    "code",
    [
        """
        def handler(event, context):
            for record in event["Records"]:
                price = float(record["dynamodb"]["NewImage"]["price"]["N"])
        """,
        """
        def handler(event, context):
            for record in event["Records"]:
                image = record["dynamodb"].get("NewImage", {})
                item = {name: deserializer.deserialize(value) for name, value in image.items()}
                total(item)

        def total(order):
            return order["price"] * 2
        """,
        """
        def handler(event, context):
            items = [deserialize(record["dynamodb"]["NewImage"]) for record in event["Records"]]
            for record in event["Records"]:
                worth(deserialize(record["dynamodb"]["NewImage"]).get("price"))

        def worth(amount):
            return amount - 1
        """,
        """
        class Order(BaseModel):
            price: Decimal

        def handler(event, context):
            for record in DynamoDBStreamEvent(event).records:
                Order(**record.dynamodb.new_image)
        """,
    ],
)
def test_an_attribute_is_found_with_its_kind(tmp_path: Path, code: str) -> None:
    """In DynamoDB's JSON, deserialized, handed to another function, as a field of a class."""
    found = reads(tmp_path, code).attributes
    assert {name: each.kind(name) for name, each in found.items()} == {"price": NUMBER}


def test_uses_tell_what_an_attribute_holds(tmp_path: Path) -> None:
    """Comparisons, loops, parsing, and else its name."""
    code = """
        def handler(event, context):
            for record in event["Records"]:
                item = unmarshal(record["dynamodb"]["NewImage"])
                if item["status"] != "PAID" or item["kind"] not in ("a", "b") or item["size"] > 40:
                    continue
                for line in item["parts"]:
                    print(line["sku"], line["many"] * 2)
                when = datetime.fromisoformat(item["when"])
                print(item["address"]["city"], item["is_new"], item["name"], item["pk"].startswith("ORDER#"))
        """
    found = reads(tmp_path, code).attributes
    kinds = {name: each.kind(name) for name, each in found.items()}
    assert kinds == {
        "status": TEXT,
        "kind": TEXT,
        "size": NUMBER,
        "parts": LIST,
        "when": TIME,
        "address": MAP,
        "is_new": TRUTH,
        "name": TEXT,
        "pk": TEXT,
    }
    assert (found["status"].words, found["kind"].words, found["size"].bound) == (["PAID"], ["a", "b"], 40)
    assert (set(found["parts"].parts), set(found["address"].parts)) == ({"sku", "many"}, {"city"})
    assert found["pk"].beginning == "ORDER#"
    assert found["when"].places == ["app.py:9"]


def test_the_data_of_a_kinesis_record_is_an_item(tmp_path: Path) -> None:
    """Decoded and parsed."""
    code = """
        def handler(event, context):
            for record in event["Records"]:
                payload = json.loads(base64.b64decode(record["kinesis"]["data"]))
                print(payload["sensor"])
        """
    assert list(reads(tmp_path, code, DATA).attributes) == ["sensor"]


def test_what_is_no_item_is_not_read(tmp_path: Path) -> None:
    """The record around it, and the answer of a call."""
    code = """
        def handler(event, context):
            for record in event["Records"]:
                if record["eventName"] == "REMOVE":
                    continue
                print(client.get_item(TableName="x")["Item"], record["dynamodb"]["NewImage"]["id"]["S"])
        """
    found = reads(tmp_path, code)
    assert list(found.attributes) == ["id"]
    assert "REMOVE" in found.names
