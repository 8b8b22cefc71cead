"""The matrix as it is saved: JSON, Markdown (in short for a README, and in full), and one page of HTML by itself.

All are made from one JSON document.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.matrix.cells import AIMS, SINKS, Axes, Consumer, Filters, left_out, paragraph
from harness.matrix.player import (
    AT_LEAST_ONCE,
    AT_MOST_ONCE,
    CLASSES,
    ENOUGH_WITH_ANOMALY,
    EXACTLY_ONCE,
    FEWEST_FOR_EXACTLY_ONCE,
    NEITHER,
    NOT_REACHED,
    OPEN,
    REFUSED,
    UNKNOWN,
    CellRun,
    CellTask,
    Played,
)
from harness.run_folder import new_folder
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


def as_json(document: Document) -> str:
    """The document as it is saved."""
    parts = []
    for key, value in document.items():
        if key == _ONE_A_LINE:
            lines = ",\n".join(f"    {json.dumps(cell, ensure_ascii=False)}" for cell in value)
            parts.append(f'  "{key}": [\n{lines}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


JSON, MARKDOWN, PAGE = "matrix.json", "matrix.md", "matrix.html"
MARKS = {
    EXACTLY_ONCE: "=1",
    AT_LEAST_ONCE: "≥1",
    AT_MOST_ONCE: "≤1",
    NEITHER: "≠1",
    OPEN: "open",
    NOT_REACHED: "–",
    REFUSED: "refused",
    UNKNOWN: "unknown",
}
MEANINGS = {
    EXACTLY_ONCE: f"no anomaly of any kind in at least {FEWEST_FOR_EXACTLY_ONCE} runs in which the fault fired",
    AT_LEAST_ONCE: "effects were duplicated, and none was lost",
    AT_MOST_ONCE: "effects were lost or dead-lettered, and none was duplicated",
    NEITHER: "both; or a wrong final state, a phantom, or another order of effects",
    OPEN: f"no anomaly, in fewer than {FEWEST_FOR_EXACTLY_ONCE} runs",
    NOT_REACHED: "the fault never fired: the pattern makes no call that it could harm",
    REFUSED: "the platform cannot run the cell, and says why",
    UNKNOWN: "a run could not be judged",
}
Cells = dict[tuple[str, str, str, str], str]  # class by writer, consumer, fault and sink


def page(document: Document, findings: Mapping[tuple[str, int], str]) -> str:
    """One page of HTML in which each cell opens what proves it.

    findings: the texts of the witnesses, by the cell's name and the seed. Where there is none, the document's words
    are shown instead.
    """
    environment = Environment(
        loader=PackageLoader("harness", "matrix"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.jinja").render(
        document=document,
        cells=document["cells"],
        counts=Counter(cell["class"] for cell in document["cells"]),
        grid=_grid(document),
        findings=findings,
        marks=MARKS,
        meanings=MEANINGS,
        runs_needed=runs_needed(document),
    )


def _grid(document: Document) -> dict[tuple[str, str], dict[str, list[dict[str, Any]]]]:
    """The cells in the order of the faults, by sink and writer, then by consumer."""
    grid: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for cell in document["cells"]:
        writer, consumer, _, sink = cell["cell"].split("/")
        grid.setdefault((sink, writer), {}).setdefault(consumer, []).append(cell)
    return grid


def save(made: Document, played: Sequence[Played], runs: Path) -> Path:
    """Writes runs/matrix/<time>/, with a link `latest` to it, and returns the folder."""
    findings = {(str(each.cell), seed): finding for each in played for seed, finding in each.findings.items()}
    texts = {
        JSON: as_json(made),
        MARKDOWN: f"# The matrix\n\n{full(made)}\n",
        PAGE: page(made, findings),
    }
    folder = new_folder(runs / "matrix", made["platform"])
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def summary(document: Document) -> str:
    """For each consumer and fault the classes behind all writers; then those of `naive` behind each writer."""
    cells, faults = _classes(document), list(document["axes"]["fault"])
    parts = [f"{_count(document)}. {legend(document)}", _faults(document)]
    parts.append(_table(["consumer", "sink", *map(_code, faults)], _by_consumer(document, cells, faults)))
    if any(key[1] == "naive" for key in cells):
        parts.append("Behind each writer, with the consumer that hides nothing (`naive`):")
        parts.append(_table(["writer", *map(_code, faults)], _by_writer(document, cells, faults)))
    return "\n\n".join(parts)


def full(document: Document) -> str:
    """Every cell: a table for each sink and writer, then why cells are missing, and a witness for each broken one."""
    cells, axes = _classes(document), document["axes"]
    faults = list(axes["fault"])
    parts = [f"{_count(document)}. {legend(document)}", _faults(document)]
    for sink in axes["sink"]:
        for writer in axes["writer"]:
            rows = [
                [_code(consumer), *(MARKS[cells[writer, consumer, fault, sink]] for fault in faults)]
                for consumer in axes["consumer"]
                if (writer, consumer, faults[0], sink) in cells
            ]
            if rows:
                parts += [f"### {sink} behind {writer}", _table(["consumer", *map(_code, faults)], rows)]
    return "\n\n".join([*parts, *(["### Not in it", missing(document)] if missing(document) else [])])


def legend(document: Document) -> str:
    """What the marks mean, and how many runs each needs."""
    classes = {cell["class"] for cell in document["cells"]}
    marks = "; ".join(f"**{MARKS[name]}** {name}: {MEANINGS[name]}" for name in CLASSES if name in classes)
    return f"{marks}. {runs_needed(document)}"


def runs_needed(document: Document) -> str:
    """After how many runs the classes with an anomaly are claimed."""
    few = " and ".join(MARKS[name] for name in (AT_LEAST_ONCE, AT_MOST_ONCE))
    return f"{few} need at least {document['runs_with_anomaly']} runs, {MARKS[NEITHER]} only those that show it."


def missing(document: Document) -> str:
    """What was left out, what was refused and what was not reached, each with its reason."""
    lines = [f"- {each['what']} {each['names']}: {each['reason']}{_asks(each['ask'])}" for each in document["left_out"]]
    reasons: dict[tuple[str, str], list[str]] = {}
    for cell in document["cells"]:
        if cell["reason"]:
            reasons.setdefault((cell["class"], cell["reason"]), []).append(f"`{cell['cell']}`")
    for (name, reason), names in reasons.items():
        lines.append(f"- {name}: {reason}: {', '.join(names)}")
    return "\n".join(lines)


def _by_consumer(document: Document, cells: Cells, faults: Sequence[str]) -> Iterator[list[str]]:
    writers = document["axes"]["writer"]
    for consumer, sinks in document["sinks"].items():
        for sink in (sink for sink in sinks if sink in document["axes"]["sink"]):
            met = [writer for writer in writers if (writer, consumer, faults[0], sink) in cells]
            by_fault = ({writer: cells[writer, consumer, fault, sink] for writer in met} for fault in faults)
            yield [_code(consumer), sink, *map(_together, by_fault)]


def _by_writer(document: Document, cells: Cells, faults: Sequence[str]) -> Iterator[list[str]]:
    sink = document["sinks"]["naive"][0]
    for writer in document["axes"]["writer"]:
        yield [_code(writer), *(MARKS[cells[writer, "naive", fault, sink]] for fault in faults)]


def _together(classes: dict[str, str]) -> str:
    """The class that most writers have; the others with the writers that have them."""
    count = Counter(classes.values())
    parts: list[str] = []
    for name in sorted(count, key=lambda name: -count[name]):
        writers = [writer for writer, each in classes.items() if each == name]
        parts.append(f"{MARKS[name]} {', '.join(writers)}" if parts else MARKS[name])
    return "; ".join(parts)


def _classes(document: Document) -> Cells:
    return {tuple(cell["cell"].split("/")): cell["class"] for cell in document["cells"]}


def _count(document: Document) -> str:
    count = Counter(cell["class"] for cell in document["cells"])
    counts = ", ".join(f"{count[name]} {name}" for name in CLASSES if count[name])
    return f"{len(document['cells'])} cells on the {document['platform']} platform: {counts}"


def _faults(document: Document) -> str:
    return "\n".join(f"- {_code(word)}: {fault['does']}" for word, fault in document["axes"]["fault"].items())


def _asks(words: str) -> str:
    return f" (`{words}`)" if words else ""


def _code(word: str) -> str:
    return f"`{word}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))
