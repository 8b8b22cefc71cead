"""Fills the generated parts of every document, draws docs/matrix.svg, and derives the schema of a scenario file.

`python -m tools.docs` writes all of them.
A part stands between `<!-- generated: NAME -->` and `<!-- end -->`, and is replaced whole.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import run_folder
from harness.errors import UserError, nearest
from harness.jobs import jobs_of
from harness.matrix import report
from harness.reports import text as text_report
from harness.runner import run
from harness.scenario import SCHEMA_FILE
from tools import inventory, matrix_picture, reference
from tools.scenario_schema import derived_schema

MAIN_JOB = Path("scenarios/duplicate_put.yaml")
MATRIX = Path("docs/matrix.json")
PICTURE = Path("docs/matrix.svg")
_PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents(root: Path) -> list[Path]:
    """Every Markdown file at the top of the repository, in docs/ and in bench/."""
    return [file for folder in (".", "docs", "bench") for file in sorted((root / folder).glob("*.md"))]


def main_job() -> str:
    """The table with which `make run` ends."""
    with tempfile.TemporaryDirectory() as folder:
        results = [run(job, Path(folder)) for job in jobs_of([MAIN_JOB])]
        report = text_report.render(results, lambda result: run_folder.read_history(Path(result.run_folder)))
    table = report[report.rindex("\nvariant ") :]
    return _fenced(re.sub(r" +$", "", table, flags=re.MULTILINE))


def files_of_a_run() -> str:
    """What a run leaves, as harness/run_folder.py describes it."""
    return _fenced((run_folder.__doc__ or "").partition("\n\n")[2])


def matrix_summary() -> str:
    """The legend of the saved matrix, and its classes by consumer and by writer."""
    return report.summary(json.loads(MATRIX.read_text("utf-8")))


def matrix_cells() -> str:
    """Every cell of the saved matrix, and what is not in it."""
    full = report.full(json.loads(MATRIX.read_text("utf-8")))
    return full[full.index("### ") :]


def matrix_svg() -> str:
    return matrix_picture.svg(json.loads(MATRIX.read_text("utf-8")))


def scenario_schema() -> str:
    return json.dumps(derived_schema(), indent=1) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "main job": main_job,
    "matrix summary": matrix_summary,
    "matrix cells": matrix_cells,
    "scenarios": reference.scenarios,
    "anomalies": reference.anomalies,
    "run folder": files_of_a_run,
    "fields": reference.fields,
    "aims": reference.aims,
    "faults": reference.faults,
    "writers": reference.writers,
    "handlers": reference.handlers,
    "files": inventory.files,
}


def filled(text: str) -> str:
    """The text with every generated part as it is now. Raises UserError for an unknown part."""
    return _PART.sub(lambda match: f"{match[1]}\n{_part(match[2])}\n\n{match[3]}", text)


def _part(name: str) -> str:
    if name not in PARTS:
        raise UserError(f"'{name}' is not a generated part. {nearest(name, PARTS)}")
    return PARTS[name]()


def _fenced(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(scenario_schema(), encoding="utf-8")
    for document in documents(Path()):
        document.write_text(filled(document.read_text("utf-8")), encoding="utf-8")
    PICTURE.write_text(matrix_svg(), encoding="utf-8")
