"""Fills the generated parts of a Markdown file: `python -m harness.readme README.md`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`, and is replaced whole.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import reference, store
from harness.errors import UserError, nearest
from harness.jobs import jobs_of
from harness.matrix import markdown
from harness.reports import text as text_report
from harness.runner import run

MAIN_JOB = Path("scenarios/duplicate_put.yaml")
MATRIX = Path("docs/matrix.json")
_PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_ANOMALY = re.compile(r"^(?=  \w)", re.MULTILINE)


def main_job() -> str:
    """What `make run` prints, with the first of its anomalies only, and without what no two runs have in common."""
    with tempfile.TemporaryDirectory() as folder:
        results = [run(job, Path(folder)) for job in jobs_of([MAIN_JOB])]
        told = text_report.render(results, lambda result: store.read_history(Path(result.run_folder)))
    head, first, *_, again, last = _ANOMALY.split(told)
    shown = f"{head}{first}  …\n{again}{last}".replace(folder, "runs")
    shown = re.sub(r"\d+\.\d\d s$", "… s", shown, flags=re.MULTILINE)
    shown = re.sub(r"\d{8}T\d{6}", "…", shown)
    return _fenced(re.sub(r" +$", "", shown, flags=re.MULTILINE))


def run_folder() -> str:
    """What a run leaves, as the store describes it."""
    return _fenced((store.__doc__ or "").partition("\n\n")[2])


def in_short() -> str:
    """The matrix that is committed."""
    return markdown.summary(json.loads(MATRIX.read_text("utf-8")))


PARTS: dict[str, Callable[[], str]] = {
    "main job": main_job,
    "matrix": in_short,
    "scenarios": reference.scenarios,
    "anomalies": reference.anomalies,
    "run folder": run_folder,
    "fields": reference.fields,
    "aims": reference.aims,
    "faults": reference.faults,
    "writers": reference.writers,
    "handlers": reference.handlers,
}


def filled(text: str) -> str:
    """The text with every generated part as it is now. Raises UserError for a part that is none."""
    return _PART.sub(lambda found: f"{found[1]}\n{_part(found[2])}\n\n{found[3]}", text)


def _part(name: str) -> str:
    if name not in PARTS:
        raise UserError(f"'{name}' is not a generated part. {nearest(name, PARTS)}")
    return PARTS[name]()


def _fenced(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(filled(file.read_text("utf-8")), encoding="utf-8")
