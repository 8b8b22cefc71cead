"""Where the embedded services and DynamoDB Local are known to differ, and why; other answers have to be the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """Each platform's own answer to one question, and which of the two AWS gives."""

    row: str
    embedded: object
    local: object
    reason: str


OBSERVED = {
    "resolution of ApproximateCreationDateTime, in seconds": Difference(
        "S-57", 1, 60, "AWS has whole seconds; DynamoDB Local cuts to the minute"
    ),
    "form of an eventID": Difference(
        "S-43", "[0-9a-f]{32}", "[0-9a-f-]{36}", "AWS has 32 hexadecimal digits; DynamoDB Local has a UUID"
    ),
    "largest page of GetRecords is 1 MB": Difference("S-49", True, False, "DynamoDB Local has no cap on bytes"),
    "code for a PartiQL INSERT of an existing item": Difference(
        "S-38", "DuplicateItemException", "DuplicateItem", "the API model names DuplicateItemException"
    ),
    "code for a sequence number never given out": Difference(
        "S-56", "ValidationException", "InternalFailure", "an error inside DynamoDB Local"
    ),
    "sequence numbers have the same length": Difference(
        "S-41", False, True, "AWS promises 21 to 40 digits; text order must not be relied on"
    ),
    "1.0 after an update expression set it": Difference(
        "S-34", "1", "1.0", "AWS trims zeros; DynamoDB Local keeps the spelling of a value in an update expression"
    ),
    "order of records of a BatchWriteItem": Difference(
        "S-33", ["REMOVE", "INSERT"], ["INSERT", "REMOVE"], "AWS promises none; DynamoDB Local does the puts first"
    ),
    "UPDATED_NEW of nested paths": Difference(
        "S-06",
        {"m": {"M": {"x": {"S": "z"}}}, "l": {"L": [{"S": "z"}]}},
        {"m": {"M": {"x": {"S": "z"}, "y": {"S": "2"}}}, "l": {"L": [{"S": "a"}, {"S": "z"}]}},
        "AWS answers the updated paths alone (Alternator test_update_item_returnvalues_nested); DynamoDB Local has the "
        "whole attributes",
    ),
    "UPDATED_OLD of nested paths": Difference(
        "S-06",
        {"m": {"M": {"x": {"S": "1"}}}, "l": {"L": [{"S": "b"}]}},
        {"m": {"M": {"x": {"S": "1"}, "y": {"S": "2"}}}, "l": {"L": [{"S": "a"}, {"S": "b"}]}},
        "as above",
    ),
    "a transaction with an update that does not fit its item": Difference(
        "S-22",
        "TransactionCanceledException",
        "ValidationException",
        "the API reference of TransactWriteItems has it among the reasons of a cancellation (ValidationError)",
    ),
    "UpdateItem with REMOVE alone on a missing item": Difference(
        "S-37", 0, 1, "AWS makes no item (Alternator test_update_item_non_existent); DynamoDB Local makes one"
    ),
}

NOT_COMPARED = {
    "S-02, S-19": "concurrent callers: the embedded platform has one thread; the simulation tests interleave calls",
    "S-05": "capacity: neither enforces it",
    "S-08, S-09, S-10, S-21": "retries and tokens of the SDK: the client is the same",
    "S-07, S-11 to S-14": "lost replies: made by the wire, above both",
    "S-16": "tokens expire after ten minutes on AWS and embedded (unit test); DynamoDB Local does not forget them",
    "S-22": "conflicts: every embedded call takes place at one moment, DynamoDB Local raises none",
    "S-42": "unknown on AWS; embedded numbers are unique over a run",
    "S-46, S-48": "24 hours and 15 minutes cannot be waited for; unit tests prove them with a clock",
    "S-47, S-40": "several shards: DynamoDB Local has one; unit tests prove the embedded ones",
    "S-55, S-59": "Kinesis: test_kinesis.py compares with Kinesis Mock",
    "S-52": "time to live: simulation tests prove it; DynamoDB Local writes a record without userIdentity",
}


TRANSACTIONS = ("transact_get_items", "transact_write_items")


def explained(call: Any, ours: Any, official: Any) -> str:
    """Why DynamoDB Local answers a call otherwise than AWS; "" where there is no known reason.

    An error is a tuple: its code, the codes and items of a transaction's reasons, and the item it carries.
    """
    if isinstance(call, str):
        return ""
    if "CONTAINS" in str(call) and not isinstance(ours, dict) and ours[0] == "ValidationException":
        return "CONTAINS takes texts, numbers and binaries (dynalite, recorded on AWS); DynamoDB Local takes more"
    if not isinstance(official, tuple) or not isinstance(ours, tuple):
        return _of_nested_paths(call[1], ours, official) if call[0] == "update_item" else ""
    if official[0] == "InternalFailure":
        return "an error inside DynamoDB Local"
    if (ours[0], official[0]) == ("DuplicateItemException", "DuplicateItem"):
        return OBSERVED["code for a PartiQL INSERT of an existing item"].reason
    judged = (ours[0], official[0]) == ("ValidationException", "ConditionalCheckFailedException")
    if judged and "AttributeUpdates" in call[1]:
        return "a wrong type for an action is refused before Expected is judged (dynalite, recorded on AWS)"
    if judged and re.search(r"(?:SET|REMOVE|ADD|DELETE|,) id\b", call[1].get("UpdateExpression", "")):
        return (
            "an update of a key is refused before the condition is judged (dynalite, recorded on AWS); DynamoDB Local "
            "does so only where a literal is set"
        )
    if call[0] in TRANSACTIONS:
        codes = {ours[0], official[0]}
        refused = codes <= {"ValidationException", "TransactionCanceledException"}
        if refused and ("ValidationError" in str(ours) or "ConditionalCheckFailed" not in str(ours)):
            return (
                "A wrong key or an update that does not fit its item cancels a transaction on AWS, and only the first "
                "wrong key is told (Alternator test_transact_write_cancellation_reasons_validationerror; "
                "API_TransactWriteItems); what is wrong with an expression refuses it (nubo-db/dynamodb-conformance, "
                "error-messages/transactGetItems). DynamoDB Local mixes the two, and a read has no reasons there"
            )
    return ""


def _of_nested_paths(call: Any, ours: Any, official: Any) -> str:
    """Of UPDATED_OLD and UPDATED_NEW. What is no part of an attribute has to be the same."""
    nested = {name for name, _ in re.findall(r"(#?\w+)([.[])", call.get("UpdateExpression", ""))}
    names = {call.get("ExpressionAttributeNames", {}).get(name, name) for name in nested}

    def rest(answer: Any) -> Any:
        return {name: value for name, value in answer.get("Attributes", {}).items() if name not in names}

    same = isinstance(ours, dict) and isinstance(official, dict) and rest(ours) == rest(official)
    is_part = call.get("ReturnValues", "").startswith("UPDATED") and bool(names)
    return OBSERVED["UPDATED_NEW of nested paths"].reason if same and is_part else ""
