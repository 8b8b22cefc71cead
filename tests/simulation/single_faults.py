"""The single faults that right handlers survive, and that mutants are searched with; `nth` is added by the tests."""

from __future__ import annotations

from itertools import combinations, cycle
from typing import Any

NTH = (1, 2, 3, 4, 5)

_CALLS = {"process": "function", "call": "dynamodb.*"}
_INVOKE = {"process": "dispatcher", "call": "lambda.Invoke"}

IN_THE_FUNCTION: dict[str, dict[str, dict[str, Any]]] = {
    "crash before the handler": {"crash": {"call": "handle", "when": "before"}},
    "crash before the effect": {"crash": {"call": "effect", "when": "before"}},
    "crash after the effect": {"crash": {"call": "effect", "when": "after"}},
    "crash before a call": {"crash": {"call": "dynamodb.*", "when": "before"}},
    "crash after a call": {"crash": {"call": "dynamodb.*", "when": "after"}},
    "crash before acknowledging": {"crash": {"call": "acknowledge", "when": "before"}},
    "crash after acknowledging": {"crash": {"call": "acknowledge", "when": "after"}},
    "timeout before the effect": {"timeout": {"call": "effect", "when": "before"}},
    "timeout after the effect": {"timeout": {"call": "effect", "when": "after"}},
    "timeout before acknowledging": {"timeout": {"call": "acknowledge", "when": "before"}},
    "error before the handler": {"function_error": {"call": "handle"}},
    "error after the handler": {"function_error": {"call": "acknowledge"}},
    "partial failure, second half": {"partial_failure": {"position": 0.5}},
    "partial failure, everything": {"partial_failure": {"position": 0}},
    "slow call": {"delay": {**_CALLS, "seconds": 0.5}},
    "lost reply": {"lose_reply": _CALLS},
    "lost request": {"lose_request": _CALLS},
    "throttle": {"refuse": {**_CALLS, "code": "ThrottlingException"}},
    "capacity": {"refuse": {**_CALLS, "code": "ProvisionedThroughputExceededException"}},
    "conflict": {"refuse": {**_CALLS, "code": "TransactionConflictException"}},
    "server error": {"refuse": {**_CALLS, "code": "InternalServerError"}},
}
IN_THE_MAPPING: dict[str, dict[str, dict[str, Any]]] = {
    "redelivery at once": {"redeliver": {}},
    "redelivery while the first runs": {"redeliver": {"concurrently": True}},
    "late redelivery": {"redeliver": {"seconds": 5.0}},
    "roll back by one": {"roll_back": {"records": 1}},
    "roll back to the beginning": {"roll_back": {}},
    "lost result": {"lose_reply": _INVOKE},
    "lost invocation": {"lose_request": _INVOKE},
    "function throttled": {"refuse": {**_INVOKE, "code": "TooManyRequestsException"}},
}
IN_THE_WRITERS: dict[str, dict[str, dict[str, Any]]] = {
    "put twice": {"duplicate_put": {}},
    "put twice, changed": {"duplicate_put": {"changed": True}},
    "lost reply to the writer": {"lose_reply": {"process": "writer", "call": "dynamodb.PutItem"}},
    "writer throttled": {"refuse": {"process": "writer", "call": "dynamodb.PutItem", "code": "ThrottlingException"}},
}
SINGLE_FAULTS = {**IN_THE_FUNCTION, **IN_THE_MAPPING, **IN_THE_WRITERS}


def at(name: str, nth: int) -> dict[str, dict[str, Any]]:
    """The fault of that name, at the nth point that it is aimed at."""
    ((word, fields),) = SINGLE_FAULTS[name].items()
    return {word: {**fields, "nth": nth}}


FIRST = (1, 2, 3)  # where every fault of the list fires in a run of six changes


def pairs(start: int) -> list[list[dict[str, dict[str, Any]]]]:
    """All two of the list at once; at which of its points each acts changes from pair to pair."""
    turn = cycle([*FIRST[start % len(FIRST) :], *FIRST[: start % len(FIRST)]])
    return [[at(first, next(turn)), at(second, next(turn))] for first, second in combinations(SINGLE_FAULTS, 2)]
