"""The matrix as one JSON document, from which the other reports are made. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.matrix.cells import AIMS
from harness.matrix.consumers import SINKS, Consumer, paragraph
from harness.matrix.player import CellTask, Played
from harness.matrix.selection import Axes, Filters, left_out
from harness.matrix.tally import ENOUGH_WITH_ANOMALY, REFUSED, CellRun
from harness.workload import WRITERS

FORMAT = 1
Document = dict[str, Any]
_ONE_A_LINE = "cells"  # so that a diff of two documents names the cells that differ


def document(
    tasks: Sequence[CellTask],
    played: Sequence[Played],
    axes: Axes,
    filters: Filters,
    consumers: Mapping[str, Consumer],
    sinks: Mapping[str, Sequence[str]],
    nowhere: Mapping[str, str],
) -> Document:
    """A key may be added within a format; one that changes its meaning, or goes, makes a new format."""
    chosen = [consumers[name] for name in axes.consumer]
    return {
        "format": FORMAT,
        "platform": tasks[0].target.platform,
        "runs": tasks[0].runs,
        "runs_with_anomaly": min(ENOUGH_WITH_ANOMALY, tasks[0].runs),
        "filters": filters.words(),
        "axes": {
            "writer": {word: paragraph(WRITERS[word].__doc__) for word in axes.writer},
            "consumer": {each.name: each.does for each in chosen},
            "fault": {word: {"does": AIMS[word].does, "faults": list(AIMS[word].faults)} for word in axes.fault},
            "sink": {word: SINKS[word] for word in axes.sink},
        },
        "sinks": {each.name: list(sinks[each.name]) for each in chosen},
        "nowhere": dict(nowhere),
        "left_out": left_out(axes, filters, consumers, sinks, nowhere),
        "cells": [entry(task, each) for task, each in zip(tasks, played, strict=True)],
    }


def entry(task: CellTask, played: Played) -> dict[str, Any]:
    """One cell. `runs` says how many runs count, of `tried`; `command` plays all of them again."""
    claim = played.claim
    return {
        "cell": str(task.cell),
        "class": claim.name,
        "runs": claim.runs,
        "tried": claim.tried,
        "kinds": claim.kinds,
        "reason": claim.reason,
        "command": None if claim.name == REFUSED else task.again(seeds=max(claim.tried, 1)),
        "witnesses": [_witness(task, run) for run in claim.witnesses],
    }


def _witness(task: CellTask, run: CellRun) -> dict[str, Any]:
    """One run that proves the class: the first of its anomalies, and the command that shows the whole finding."""
    anomaly = run.anomalies[0]
    fields = {name: getattr(anomaly, name) for name in ("kind", "summary", "why", "blame")}
    return {"seed": run.seed, "kinds": sorted(run.kinds), **fields, "command": task.again(seed=run.seed)}


def text(document: Document) -> str:
    """The document as it is saved."""
    parts = []
    for key, value in document.items():
        if key == _ONE_A_LINE:
            lines = ",\n".join(f"    {json.dumps(cell, ensure_ascii=False)}" for cell in value)
            parts.append(f'  "{key}": [\n{lines}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
