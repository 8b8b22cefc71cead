"""From scenario files to jobs: every problem of every file is reported before anything runs.

A job is one run: a variant, a seed, and the platform. Its stack is read from the template and checked against the
scenario and the platform.
"""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import Problem, UserError, nearest
from harness.faults.function import FalseFailureReport
from harness.faults.points import Seed
from harness.pipeline.dependencies import is_newer, syntax_problem
from harness.pipeline.node import check_syntax, node_folders
from harness.pipeline.resources import Bucket, DataStream, Queue, Resource, Table, Topic
from harness.pipeline.resources import Mapping as MappingSettings
from harness.pipeline.stack import Attribution, Function, Stack, is_node
from harness.pipeline.template import read as read_template
from harness.platforms.target import EMBEDDED_TARGET, Target, unsupported, unsupported_expiry
from harness.scenario.expectation import Difference
from harness.scenario.fields import parse_seeds
from harness.scenario.load import load, load_values
from harness.scenario.model import Pipeline, Scenario, Workload
from harness.scenario.variants import DIFFERS, Variant
from harness.workload.items import Change, changes

if TYPE_CHECKING:
    from harness.history import Value


@dataclass(frozen=True, slots=True)
class Job:
    """One run before it starts: everything is read and checked.

    again: the command that runs it again, where there is one. refused: why the platform does not run it, where the
    scenario lists that as a known difference. shows_logs: whether the terminal gets what the function prints, too.
    """

    variant: Variant
    seed: int
    target: Target
    stack: Stack
    again: str | None
    refused: str = ""
    shows_logs: bool = False

    @property
    def scenario(self) -> Scenario:
        return self.variant.scenario

    @property
    def difference(self) -> Difference | None:
        """The known difference of this platform, where there is one. What LocalStack does says nothing of others."""
        difference = self.variant.differences.get(self.target.platform)
        return None if difference and difference.expect is not None and self.target.emulator else difference

    @property
    def expect(self) -> Any:
        """The expectation on this platform, as it stands in the scenario."""
        document = self.variant.document.value
        return (document[DIFFERS][self.target.platform]["*"] if self.difference else document)["expect"]

    @property
    def is_compared(self) -> bool:
        """Whether the run is compared with its reference (harness.reference); a run without faults is its own."""
        return bool(self.scenario.faults)

    def changes(self) -> list[list[Change]]:
        """The work of each writer."""
        return _changes(self.scenario, self.stack, self.seed)

    def question(self) -> Value:
        """The question of the run, as its folder keeps it."""
        return {
            "format": 1,
            "scenario": self.scenario.scenario,
            "question": self.scenario.question,
            "variant": self.variant.name,
            "platform": self.target.platform,
            "emulator": self.target.emulator,
            "seed": self.seed,
            "expect": self.expect,
            "difference": self.difference.why if self.difference else None,
            "again": self.again,
            "checkers": list(self.scenario.checkers),
            "folder": str(self.variant.folders[0].absolute()),
            "document": self.variant.document.value,
        }


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
            overrides = settings or {}
            loaded = load_values(scenario, overrides) if isinstance(scenario, Mapping) else load(scenario, overrides)
            names.update(dict.fromkeys(variant.name for variant in loaded.variants))
        except UserError as error:
            problems += error.problems
            continue
        readings: dict[str, Reading] = {}  # by what a variant says of its pipeline
        for variant in _chosen(loaded.variants, variants):
            pipeline = json.dumps(variant.document.value["pipeline"])
            try:
                for seed in _seeds(variant, seeds):
                    again = _again(loaded.file, variant.name, seed, overrides, target)
                    reading = readings.get(pipeline) or _read(variant.scenario, target)
                    if target == EMBEDDED_TARGET or reading.problems:  # elsewhere each run has a stack of its own
                        readings[pipeline] = reading
                    jobs.append(prepare(variant, seed, target, again, reading))
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


def _chosen(variants: Sequence[Variant], patterns: Sequence[str]) -> list[Variant]:
    if not patterns:
        return list(variants)
    return [variant for variant in variants if any(fnmatchcase(variant.name, pattern) for pattern in patterns)]


def _seeds(variant: Variant, seeds: str | int | None) -> Sequence[int]:
    if seeds is None:
        return variant.scenario.seeds
    try:
        return parse_seeds(int(seeds) if isinstance(seeds, str) and seeds.isdecimal() else seeds)
    except ValueError as error:
        raise UserError(f"--seeds: {error}") from None


def prepare(
    variant: Variant,
    seed: int,
    target: Target = EMBEDDED_TARGET,
    again: str | None = None,
    reading: Reading | None = None,
) -> Job:
    """Reads the template, unless that is done already.

    Raises UserError where the variant does not fit it, or the platform does not support it.
    """
    scenario = variant.scenario
    stack, unread = reading or _read(scenario, target)
    handler, problems = scenario.pipeline.handler, []
    if handler and handler.missing:
        problems = [variant.document.problem(("pipeline", "handler"), handler.missing)]
    problems += map(variant.document.placed, (*unread, *(_unfitting(variant, stack) if stack else ())))
    if stack is None:
        raise UserError(problems)
    reasons = unsupported(stack, scenario.faults, target)
    with suppress(ValueError):  # a writer that there is not, which is a problem already
        if scenario.workload.writer_class(stack.source.service, variant.folders).EXPIRES:
            reasons += unsupported_expiry(scenario.workload.writer, target.platform, stack.time_to_live)
    difference = variant.differences.get(target.platform)
    listed = difference is not None and difference.expect is None
    if reasons and not listed:
        problems += [Problem(f"{variant.name}: refused on {target.platform}: {reason}") for reason in reasons]
    if listed and not reasons:
        message = f"{variant.name}: listed as refused on {target.platform}, which does not refuse it"
        problems.append(Problem(message, "differs"))
    if problems:
        raise UserError(problems)
    return Job(variant, seed, target, stack, again, refused="; ".join(reasons))


class Reading(NamedTuple):
    """What a template and its code are. Without its code a stack is good enough to say what else is wrong."""

    stack: Stack | None
    problems: list[Problem]


def _read(scenario: Scenario, target: Target) -> Reading:
    problems: list[Problem] = []
    try:
        stack = _stack(scenario, target, problems)
    except UserError as error:
        return Reading(None, error.problems)
    return Reading(stack, problems)


def _stack(scenario: Scenario, target: Target, problems: list[Problem]) -> Stack:
    """problems: takes what is wrong with its code."""
    name, pipeline = f"harness-{scenario.scenario}", scenario.pipeline
    handler = pipeline.handler
    missing: list[Problem] = []
    stack = read_template(
        pipeline.template,
        name if target == EMBEDDED_TARGET else f"{name}-{secrets.token_hex(3)}",
        handler=handler.file if handler else None,
        function=handler.function if handler else "",
        parameters=pipeline.parameters,
        mapping=pipeline.mapping.settings(),
        timeout=pipeline.function.timeout,
        environment=pipeline.function.environment,
        logical_id=pipeline.function.name,
        sinks={logical_id: sink.role for logical_id, sink in pipeline.sinks.items()},
        any_language=target != EMBEDDED_TARGET,
        code=pipeline.code,
        code_problems=missing,
    )
    if handler and handler.missing:
        return replace(stack, attributions=_attributions(stack, pipeline))
    problems += missing
    function = stack.function
    runtime = "" if target == EMBEDDED_TARGET else function.runtime  # embedded, this very Python runs the code
    is_read = function.has_agent and not (runtime and is_newer(runtime))  # a newer one may know more syntax
    if is_read and not problems and (problem := syntax_problem(function.root, function.handler, runtime)):
        problems.append(problem)
    if target == EMBEDDED_TARGET and is_node(function.runtime) and not problems:
        node_folders(function)  # esbuild says what it cannot read
        check_syntax(function)
    return replace(stack, attributions=_attributions(stack, pipeline))


# Of the names of what a run makes, in characters. https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
_LONGEST_NAMES = {Function: 64, Bucket: 63, Queue: 80, DataStream: 128, Table: 255, Topic: 256}
_SUFFIX = len("-0a1b2c")  # that tells the stacks of runs apart, on remote platforms


def _names_too_long(scenario: Scenario, stack: Stack) -> Iterator[Problem]:
    """Names that a remote platform would refuse when it deploys: a scenario should fit all."""
    prefix = len(f"harness-{scenario.scenario}") + _SUFFIX
    lengths = {"code": (prefix + len("-code"), _LONGEST_NAMES[Bucket], "bucket")}
    named: tuple[Resource | Function, ...] = (*stack.resources, stack.function)
    for each in named:
        length = len(each.name) - len(stack.name) + prefix
        lengths[each.logical_id] = length, _LONGEST_NAMES[type(each)], type(each).__name__.lower()
    for logical_id, (length, longest, noun) in lengths.items():
        if length > longest:
            message = f"the name is {length - longest} characters too long for the {noun} '{logical_id}'"
            yield Problem(f"{message}, whose name begins with it: at most {longest} in all", "scenario")
            return


def _unfitting(variant: Variant, stack: Stack) -> list[Problem]:
    """Whatever does not fit the stack; whether the items fit the table does not depend on the seed."""
    problems = [*check_against_stack(variant, stack), *check_against_mapping(variant, stack.mapping)]
    try:
        _changes(variant.scenario, stack, seed=0)
    except UserError as error:
        problems += error.problems
    return problems


def _changes(scenario: Scenario, stack: Stack, seed: int) -> list[list[Change]]:
    return changes(scenario.workload, Seed(seed), stack.source, stack.attribution(stack.source))


def _attributions(stack: Stack, pipeline: Pipeline) -> dict[str, Attribution]:
    """The scenario's attributions by logical id. One that names no item takes the item from the stack's own."""
    attributions = {
        name: Attribution(sink.intent, sink.item or "", sink.count) for name, sink in pipeline.sinks.items()
    }
    attributions[stack.source.logical_id] = Attribution(pipeline.source.intent, pipeline.source.item or "")
    items = {resource.logical_id: stack.attribution(resource).item for resource in stack.resources}
    return {name: each if each.item else replace(each, item=items[name]) for name, each in attributions.items()}


def _cannot_share(workload: Workload, source: Table | DataStream) -> str:
    if workload.writers == 1:
        return "one writer has nobody to share items with: set `writers` to 2 or more"
    if workload.item_count == workload.intents:
        return f"each of {workload.intents} items is changed once, by one writer: set `items` to less"
    if isinstance(source, Table) and source.stream_view_type == "KEYS_ONLY":
        return "a stream of KEYS_ONLY does not say whose change of a shared item came first: it needs an image"
    return ""


def check_against_stack(variant: Variant, stack: Stack) -> list[Problem]:
    """Whether the writer and the shards fit the source, and whether there is a sink; a run without one is unknown."""
    scenario, problems = variant.scenario, []
    try:
        scenario.workload.writer_class(stack.source.service, variant.folders)
    except ValueError as error:
        problems.append(Problem(str(error), "workload.writer"))
    if stack.data_streams and scenario.pipeline.gives("shards"):
        message = "a Kinesis stream has as many shards as its ShardCount in the template says"
        problems.append(Problem(message, "pipeline.shards"))
    if scenario.workload.share and (message := _cannot_share(scenario.workload, stack.source)):
        problems.append(Problem(message, "workload.share"))
    problems += _names_too_long(scenario, stack)
    if not stack.sinks and not stack.endpoints:
        possible = sorted(resource.logical_id for resource in stack.resources if resource.role is None)
        nothing = "It has no table, queue, bucket or topic beside the source"
        hint = f"Known: {', '.join(possible)}" if possible else nothing
        message = f"nothing says where effects land in {stack.template}: name it under `sinks`. {hint}"
        problems.append(Problem(message, "pipeline.sinks"))
    return problems


def check_against_mapping(variant: Variant, mapping: MappingSettings) -> list[Problem]:
    """Whether the faults can act under the mapping's settings, those of the template included."""
    return [
        variant.document.problem(
            ("faults", index),
            f"{fault.NAME} needs report_batch_item_failures: without it Lambda ignores what the answer names",
        )
        for index, fault in enumerate(variant.scenario.faults)
        if isinstance(fault, FalseFailureReport) and not mapping.report_batch_item_failures
    ]
