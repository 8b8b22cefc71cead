"""From scenario files to jobs: every problem of every file is found before anything runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.errors import Problem, UserError, nearest
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.runner import Job, prepare
from harness.scenario_file import load, load_values
from harness.seeds import parse_seeds
from harness.variants import Variant


def jobs_of(
    scenarios: Sequence[Path | Mapping[str, Any]],
    settings: Mapping[str, str] | None = None,
    *,
    seeds: str | int | None = None,
    variants: Sequence[str] = (),
    target: Target = EMBEDDED_TARGET,
) -> list[Job]:
    """One job for each variant and seed, in the order of the files. `variants` are globs over their names.

    `settings` override fields, by their paths. Raises UserError with all problems of all files.
    """
    jobs: list[Job] = []
    problems: list[Problem] = []
    names: dict[str, None] = {}
    for scenario in scenarios:
        try:
            given = settings or {}
            loaded = load_values(scenario, given) if isinstance(scenario, Mapping) else load(scenario, given)
            found = loaded.variants
            names.update(dict.fromkeys(variant.name for variant in found))
            for variant in _chosen(found, variants):
                for seed in _seeds(variant, seeds):
                    jobs.append(prepare(variant, seed, target, _again(loaded.file, variant.name, seed, given, target)))
        except UserError as error:
            problems += error.problems
    if not jobs and not problems:
        problems = [Problem(f"--variant: no variant is called '{name}'. {nearest(name, names)}") for name in variants]
    if problems:
        raise UserError(dict.fromkeys(problems))
    return jobs


def _again(file: Path | None, variant: str, seed: int, settings: Mapping[str, str], target: Target) -> str | None:
    """The command that runs this job; a scenario that no file holds has none."""
    if file is None:
        return None
    words = ["python", "-m", "harness", "run", str(file), "--variant", variant, "--seed", str(seed)]
    for path, value in settings.items():
        words += ["--set", f"{path}={value}"]
    return shlex.join([*words, *target.options()])


def _chosen(found: Sequence[Variant], patterns: Sequence[str]) -> list[Variant]:
    if not patterns:
        return list(found)
    return [variant for variant in found if any(fnmatchcase(variant.name, pattern) for pattern in patterns)]


def _seeds(variant: Variant, given: str | int | None) -> Sequence[int]:
    if given is None:
        return variant.scenario.seeds
    try:
        return parse_seeds(given)
    except ValueError as error:
        raise UserError(f"--seeds: {error}") from None
