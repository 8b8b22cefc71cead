"""Plays small scenarios that are written in the tests: one handler, a few faults, one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.api import RunOutcome, run
from harness.history import INVOKE, Operation
from harness.jobs import jobs_of
from harness.reports.text import finding
from harness.runner import run_unkept

ROOT = Path(__file__).parents[2]
LEDGER = ROOT / "lambda" / "ledger"
POWERTOOLS = ROOT / "lambda" / "powertools" / "powertools.py"
MUTANTS = ROOT / "tests" / "mutants"
TEMPLATE = LEDGER / "template.yaml"
SHIPPED = sorted((ROOT / "scenarios").glob("*.yaml"))
WORKLOAD = {"writer": "put", "intents": 10, "items": 5, "writers": 2}
Entry = dict[str, Any]


def document(
    handler: Path | str = LEDGER / "idempotent.py",
    faults: list[Any] | tuple[Any, ...] = (),
    *,
    mapping: Entry | None = None,
    workload: Entry | None = None,
    pipeline: Entry | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A scenario as values. A handler outside `lambda/ledger` is played with the template of that folder."""
    return {
        "scenario": "small",
        "question": "Does it?",
        "pipeline": {
            "handler": str(handler),
            "template": str(TEMPLATE),
            "mapping": {"batch_size": 2, **(mapping or {})},
            **(pipeline or {}),
        },
        "workload": {**WORKLOAD, **(workload or {})},
        "faults": list(faults),
        "expect": "valid",
        **more,
    }


def play(
    runs: Path, handler: Path | str = LEDGER / "idempotent.py", faults: Any = (), seed: int = 0, **more: Any
) -> RunOutcome:
    return run(document(handler, faults, **more), runs, seed=seed)


def told_unless_valid(runs: Path, handler: Path, faults: Any, seed: int) -> str:
    """For another process: the finding of a run that is not valid. The mapping takes partial failures: a handler that
    returns nothing has reported nothing, so that every fault can be tried on every handler."""
    outcome = play(runs, handler, faults, seed, mapping={"report_batch_item_failures": True})
    return "" if outcome.verdict == "valid" else str(outcome)


def told_if_found(handler: Path, many: list[Any], seed: int) -> list[str]:
    """For another process: the findings of runs with several faults each. One fault can keep another from firing: such
    a run is unknown, no more."""
    told, few = [], {"intents": 6, "items": 3}
    for faults in many:
        values = document(handler, faults, mapping={"report_batch_item_failures": True}, workload=few)
        (job,) = jobs_of([values], seeds=seed)
        result, operations = run_unkept(job)
        verdict = result.verdict
        if verdict.anomalies or not all("never fired" in reason for reason in verdict.reasons):
            told.append(finding(result, operations))
    return told


def handler_file(folder: Path, body: str) -> Path:
    """A zip root of its own with one handler in it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "app.py"
    file.write_text(body)
    return file


def found(outcome: RunOutcome) -> set[tuple[str, str]]:
    """Kinds of anomaly, each with who is blamed for it."""
    return {(anomaly.kind, anomaly.blame) for anomaly in outcome.anomalies}


def fired(outcome: RunOutcome) -> list[int]:
    return [fault["fired"] for fault in outcome.result.faults]


def operations(outcome: RunOutcome, f: str, *types: str, role: str = "") -> list[Operation]:
    """Those of one name, of some types (all if none is named), in the order of the history."""
    return [
        op for op in outcome.history if op.f == f and (not types or op.type in types) and (not role or op.role == role)
    ]


def attempts(outcome: RunOutcome, call: str, role: str = "writer") -> list[int]:
    return [op.value["attempt"] for op in operations(outcome, call, INVOKE, role=role)]


def yaml_file(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path
