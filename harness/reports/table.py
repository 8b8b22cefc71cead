"""The table of a report: for each scenario its question, and for each variant one row, with however many seeds."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import one_line
from harness.verdict import ANOMALIES, PARTIES, VERDICTS, RunResult

WIDTH = 120  # at most; most tables are narrower
LEAST = ("records", "deliveries", "executions", "intents")  # columns that a narrow table can do without


def tables(results: Sequence[RunResult], width: int = WIDTH) -> str:
    """One table for each scenario, under its question."""
    by_scenario: dict[tuple[str, str], list[RunResult]] = {}
    for result in results:
        by_scenario.setdefault((result.scenario, result.question), []).append(result)
    return "\n".join(
        f"{one_line(f'{scenario}: {question.strip()}')}\n\n{plain(_fitting(runs, width), width)}{differences(runs)}"
        for (scenario, question), runs in by_scenario.items()
    )


def differences(results: Sequence[RunResult]) -> str:
    """The variants with a known difference on this platform, each with the reason."""
    reasons = {(run.variant, run.where): run.difference for run in results if run.difference}
    lines = (f"  {variant} differs on {platform}: {why.strip()}" for (variant, platform), why in reasons.items())
    return "".join(f"{one_line(line)}\n" for line in lines)


def _fitting(runs: Sequence[RunResult], width: int) -> Table:
    """The table, without the columns that matter least where it would be too wide."""
    console = Console(file=io.StringIO(), width=10 * width)
    grids = (table(runs, LEAST[:count]) for count in range(len(LEAST) + 1))
    return next((grid for grid in grids if console.measure(grid).maximum <= width), table(runs, LEAST))


def table(results: Sequence[RunResult], without: Sequence[str] = ()) -> Table:
    """A row for each variant. Where it ran with several seeds, a number is the span from the least to the most."""
    grid = Table(box=None, padding=(0, 2, 0, 0))
    groups = _groups(results)
    several = len(groups) < len(results)
    observed = all("deliveries" in run.verdict.counts for run in results)
    counts = ("intents", "records", "deliveries" if observed else "executions", "effects")
    counted = tuple(count for count in counts if count not in without)
    grid.add_column("variant", overflow="fold")
    for key in ("runs",) * several + counted:
        grid.add_column(key, justify="right", no_wrap=True)
    for key in ("anomalies", "verdict", "expected", "blame"):
        grid.add_column(key, no_wrap=True)
    for name, runs in groups.items():
        grid.add_row(
            Text(one_line(name)),
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


def plain(grid: Table, width: int = WIDTH) -> str:
    """The table as text, without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _groups(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    """The runs by variant; and by platform, where there are several."""
    platforms = len({result.where for result in results}) > 1
    groups: dict[str, list[RunResult]] = {}
    for result in results:
        name = f"{result.variant} on {result.where}" if platforms else result.variant
        groups.setdefault(name, []).append(result)
    return groups


def _span(counts: Iterable[int]) -> str:
    numbers = sorted(counts)
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]}…{numbers[-1]}"


def _kinds(runs: Sequence[RunResult]) -> str:
    kinds = dict.fromkeys((*ANOMALIES, *(anomaly.kind for run in runs for anomaly in run.verdict.anomalies)))
    counts = {kind: [run.verdict.counts.get(kind, 0) for run in runs] for kind in kinds}
    return "\n".join(f"{_span(each)} {kind}" for kind, each in counts.items() if any(each))


def _verdicts(runs: Sequence[RunResult]) -> str:
    counts = Counter(run.verdict.verdict for run in runs)
    if len(counts) == 1:
        return next(iter(counts))
    return "\n".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])


def _met(runs: Sequence[RunResult]) -> str:
    met = sum(run.expectation_met for run in runs)
    if met == len(runs):
        return "differs" if any(run.difference for run in runs) else "yes"
    return "NO" if len(runs) == 1 else f"NO ({met} of {len(runs)})"
