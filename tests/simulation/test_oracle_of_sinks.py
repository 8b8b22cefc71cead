"""For every planted bug, fault and layout of sinks the verdict is that of an oracle which looks at the sinks alone."""

from __future__ import annotations

import re
from concurrent.futures import Executor
from itertools import product
from pathlib import Path
from typing import Any

from pipelines import measure
from sink_oracle import NOWHERE, Wrong, wrong

from harness.api import RunOutcome

LAYOUTS = {
    "one ledger": {"One": "ledger"},
    "two ledgers": {"One": "ledger", "Two": "ledger"},
    "ledger and view": {"One": "ledger", "Two": "view"},
    "two views": {"One": "view", "Two": "view"},
    "queue and table": {"One": "queue ledger", "Two": "ledger"},
    "ledger and objects": {"One": "ledger", "Two": "bucket view"},
}
# One change goes to each sink in turn; a view keeps the newest version. A bug replaces one of these words.
RIGHT = {
    "SINKS": "list(LAYOUT)",
    "RECORDS": 'event["Records"]',
    "BEFORE": "pass",
    "BETWEEN": "pass",
    "AFTER": "pass",
    "ERRORS": "()",
    "KEY": 'row["id"]',
    "CONDITION": "{**newer, **versions}",
    "DELETES": "True",
}
MARK = """db.put_item(TableName=os.environ["Markers"], Item={"id": {"S": record["eventID"]}})"""
MARKED = (
    """if db.get_item(TableName=os.environ["Markers"], Key={"id": {"S": record["eventID"]}}).get("Item"): continue"""
)
BUGS: dict[str, dict[str, str]] = {
    "none": {},
    "marker first": {"BEFORE": f"{MARKED}\n        {MARK}"},
    "effect first, then the marker": {"BEFORE": MARKED, "AFTER": MARK},
    "marker between the sinks": {"BEFORE": MARKED, "BETWEEN": MARK},
    "remembers in its memory": {
        "BEFORE": 'if record["eventID"] in SEEN: continue\n        SEEN.add(record["eventID"])',
    },
    "swallows errors": {"ERRORS": "Exception"},
    "first record of a batch only": {"RECORDS": 'event["Records"][:1]'},
    "forgets the second sink after a redelivery": {
        "BEFORE": f"""
        again = db.get_item(TableName=os.environ["Markers"], Key={{"id": {{"S": record["eventID"]}}}}).get("Item")
        {MARK}""",
        "SINKS": "list(LAYOUT)[: 1 if again else None]",
    },
    "other order": {"SINKS": "list(LAYOUT)[::-1]"},
    "stale write to a view": {"CONDITION": "{}"},
    "deletions ignored by a view": {"DELETES": "False"},
    "fresh key": {"KEY": '{"S": str(uuid.uuid4())}'},
}
HANDLER = """
import uuid
SEEN = set()

def apply(sink, role, record, row):
    version = {"N": record["dynamodb"]["SequenceNumber"]}
    newer = {"ConditionExpression": "attribute_not_exists(id) OR version < :new"}
    versions = {"ExpressionAttributeValues": {":new": version}}
    table = {"TableName": os.environ[sink]}
    try:
        if role == "bucket":
            where = {"Bucket": os.environ[sink], "Key": record["dynamodb"]["Keys"]["id"]["S"]}
            if row:
                s3.put_object(**where, Body=json.dumps({"intent": row["intent"]["S"]}))
            elif DELETES:
                s3.delete_object(**where)
        elif role == "view" and row is None:
            if DELETES:
                db.delete_item(**table, Key={"id": record["dynamodb"]["Keys"]["id"]}, **CONDITION)
        elif role == "view":
            item = {"id": row["item"], "intent": row["intent"], "version": version}
            db.put_item(**table, Item=item, **CONDITION)
        elif row and role == "ledger":
            db.put_item(**table, Item={**row, "id": KEY})
        elif row:
            sqs.send_message(QueueUrl=os.environ[sink], MessageBody=json.dumps({"intent": row["intent"]["S"]}))
    except db.exceptions.ConditionalCheckFailedException:
        pass


def handler(event, context):
    for record in RECORDS:
        BEFORE
        row = next(rows({"Records": [record]}), None)
        for number, sink in enumerate(SINKS):
            try:
                apply(sink, LAYOUT[sink], record, row)
            except ERRORS:
                print("ignored")
            if number == 0:
                BETWEEN
        AFTER
"""
FAULTS: dict[str, dict[str, Any]] = {
    "crash before": {"crash": {"when": "before", "nth": 3}},
    "crash between": {"crash": {"when": "after", "nth": 3}},
    "crash at the second sink": {"crash": {"when": "after", "nth": 4}},
    "crash after": {"crash": {"call": "acknowledge", "when": "before", "nth": 1}},
    "lost reply": {"lose_reply": {"process": "function", "call": "effect", "nth": 2}},
    "refused": {
        "refuse": {"process": "function", "call": "dynamodb.PutItem", "code": "TransactionConflictException", "nth": 2}
    },
    "timeout": {"timeout": {"when": "after", "nth": 2}},
    "redelivered soon": {"redeliver": {"nth": 1}},
    "redelivered late": {"redeliver": {"seconds": 5, "nth": 1}},
    "put twice": {"duplicate_put": {"changed": True, "nth": 2}},
    "delay": {"delay": {"process": "function", "call": "effect", "seconds": 2, "nth": 2}},
    "error before": {"function_error": {"call": "handle", "nth": 1}},
    "error after": {"function_error": {"call": "acknowledge", "nth": 1}},
}
WRITERS = ("put", "put_then_delete")
QUARTERS = 4
NEVER_FIRED = re.compile(r"faults\[0\]: \w+ never fired")


def play(folder: Path, layout: str, bug: str, writer: str, faults: list[Any]) -> RunOutcome:
    folder.mkdir(parents=True, exist_ok=True)
    sinks = LAYOUTS[layout]
    body = HANDLER.replace("LAYOUT", str({name: words.split()[0] for name, words in sinks.items()}))
    for word, code in (RIGHT | BUGS[bug]).items():
        body = body.replace(word, code)
    body = body.replace("LAYOUT", str({name: words.split()[0] for name, words in sinks.items()}))
    workload = {"writer": writer, "intents": 6, "items": 3, "writers": 2}
    marked = {**sinks, "Markers": "state"}
    return measure(folder, body, marked, workload=workload, faults=faults, BatchSize=3)


def judged(outcome: RunOutcome, layout: str) -> set[Wrong]:
    """The anomalies, each with the sinks that its summary names; the only one of a layout is not named."""
    return {
        Wrong(anomaly.kind, anomaly.subject, sink)
        for anomaly in outcome.anomalies
        for sink in named_in(anomaly.summary, layout) or [NOWHERE if anomaly.kind == "lost" else "One"]
    }


def named_in(summary: str, layout: str) -> list[str]:
    return [sink for sink in LAYOUTS[layout] if re.search(rf"\b{sink}\b", summary)]


def differing(folder: Path, layout: str, bug: str, writer: str, faults: list[str]) -> list[str]:
    """For another process: the cells in which the verdict is another than the oracle's."""
    views = [name for name, words in LAYOUTS[layout].items() if words.endswith("view")]
    alone = play(folder, layout, bug, writer, [])
    reference, differ = list(alone.history), []
    already = wrong(reference, reference, views)
    for name in faults:
        outcome = play(folder, layout, bug, writer, [FAULTS[name]])
        found = wrong(outcome.history, reference, views)
        unsure = already or any(NEVER_FIRED.match(reason) for reason in outcome.reasons)
        right = "invalid" if found else "unknown" if unsure else "valid"
        if (outcome.verdict, judged(outcome, layout)) != (right, found):
            unlike = sorted(judged(outcome, layout) ^ found)
            differ.append(f"{layout}, {bug}, {writer}, {name}: {right} is right; they differ in {unlike}\n{outcome}")
    if judged(alone, layout) != already:
        differ.append(f"{layout}, {bug}, {writer}, no fault: {sorted(judged(alone, layout) ^ already)}\n{alone}")
    return differ


def chosen(place: int) -> list[str]:
    """A quarter of the faults; the next place gets the next quarter."""
    return list(FAULTS)[place % QUARTERS :: QUARTERS]


def cells() -> list[tuple[str, str, str, list[str]]]:
    """Each two of bug, fault and layout together at least once; deletions where a view can keep what is gone."""
    return [
        (layout, bug, writer, chosen(row + column + turn))
        for column, (layout, sinks) in enumerate(LAYOUTS.items())
        for turn, writer in enumerate(WRITERS if "view" in " ".join(sinks.values()) else WRITERS[:1])
        for row, bug in enumerate(BUGS)
    ]


def test_the_cells_cover_each_pair() -> None:
    """Of bugs, faults and layouts."""
    played = [(layout, bug, fault) for layout, bug, _, faults in cells() for fault in faults]
    assert {(bug, fault) for _, bug, fault in played} == set(product(BUGS, FAULTS))
    assert {(layout, fault) for layout, _, fault in played} == set(product(LAYOUTS, FAULTS))
    assert {(layout, bug) for layout, bug, _ in played} == set(product(LAYOUTS, BUGS))


def test_the_verdict_is_what_the_sinks_say(processes: Executor, tmp_path: Path) -> None:
    """Kinds, intents, items and sinks are the same; nothing is valid where the oracle finds anything wrong."""
    running = [processes.submit(differing, tmp_path / str(number), *cell) for number, cell in enumerate(cells())]
    assert [told for future in running for told in future.result()] == []
