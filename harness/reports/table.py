"""The table of a report: for each scenario its question, and for each variant a row, however many seeds it had."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.reports import RunResult
from harness.verdict import ANOMALIES, PARTIES, VERDICTS

WIDTH = 120  # at most; most tables are narrower


def tables(results: Sequence[RunResult]) -> str:
    """One table for each scenario, under its question."""
    by_scenario: dict[tuple[str, str], list[RunResult]] = {}
    for result in results:
        by_scenario.setdefault((result.scenario, result.question), []).append(result)
    return "\n".join(
        f"{scenario}: {question}\n\n{plain(table(runs))}{differences(runs)}"
        for (scenario, question), runs in by_scenario.items()
    )


def differences(results: Sequence[RunResult]) -> str:
    """Which variants are known to end otherwise on this platform than elsewhere, and why."""
    known = {(run.variant, run.platform): run.difference for run in results if run.difference}
    return "".join(f"  {variant} differs on {platform}: {why}\n" for (variant, platform), why in known.items())


def table(results: Sequence[RunResult]) -> Table:
    """The variants against what happened. Runs of one variant with several seeds share a row, with the span of each."""
    grid = Table(box=None, padding=(0, 2, 0, 0))
    groups = _groups(results)
    several = len(groups) < len(results)
    seen = all("deliveries" in run.verdict.counts for run in results)
    counted = ("intents", "records", "deliveries" if seen else "executions", "effects")
    grid.add_column("variant", overflow="fold")
    for key in ("runs",) * several + counted:
        grid.add_column(key, justify="right", no_wrap=True)
    for key in ("anomalies", "verdict", "expected", "blame"):
        grid.add_column(key, no_wrap=True)
    for name, runs in groups.items():
        grid.add_row(
            Text(name),
            *([str(len(runs))] if several else []),
            *(_span(run.verdict.counts.get(key, 0) for run in runs) for key in counted),
            _kinds(runs),
            _verdicts(runs),
            _met(runs),
            "\n".join(
                party for party in PARTIES if any(party == a.blame for run in runs for a in run.verdict.anomalies)
            ),
        )
    return grid


def plain(grid: Table) -> str:
    """The table as text, without colours."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _groups(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    """The platform is named where there are several."""
    platforms = len({result.platform for result in results}) > 1
    groups: dict[str, list[RunResult]] = {}
    for result in results:
        name = f"{result.variant} on {result.platform}" if platforms else result.variant
        groups.setdefault(name, []).append(result)
    return groups


def _span(counts: Iterable[int]) -> str:
    found = sorted(counts)
    return str(found[0]) if found[0] == found[-1] else f"{found[0]}…{found[-1]}"


def _kinds(runs: Sequence[RunResult]) -> str:
    counts = {kind: [run.verdict.counts.get(kind, 0) for run in runs] for kind in ANOMALIES}
    return "\n".join(f"{_span(each)} {kind}" for kind, each in counts.items() if any(each))


def _verdicts(runs: Sequence[RunResult]) -> str:
    found = Counter(run.verdict.verdict for run in runs)
    if len(found) == 1:
        return next(iter(found))
    return "\n".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS if found[verdict])


def _met(runs: Sequence[RunResult]) -> str:
    met = sum(run.expectation_met for run in runs)
    if met == len(runs):
        return "differs" if any(run.difference for run in runs) else "yes"
    return "NO" if len(runs) == 1 else f"NO ({met} of {len(runs)})"
