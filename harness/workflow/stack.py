"""The user's own stack: the template as it is written, with neither agent nor faults, deployed to stay and loaded.

Resources get no names from here: CloudFormation makes them from the stack's. The code of functions lies in a bucket of
the account, under keys made from its content: changed code changes the template, and so the stack.

Items are put into a table so that doing it again changes nothing: an identical PUT leaves no record (S-31). Each change
of an item has an intent, `<item>/<number>`, unless the item names one. The number follows the stored one, and the PUT
is conditional on that: two processes that load at once do not take the same number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchfiles import Change, DefaultFilter, watch

from harness.documents import Document, load_template, parse
from harness.errors import DocumentPath, Problem, UserError
from harness.pipeline.dependencies import compiled_by, is_newer, syntax_problem
from harness.pipeline.intrinsics import mentioned
from harness.pipeline.node import code_folder
from harness.pipeline.package import RUNS, Package, build, zipped
from harness.pipeline.resources import DataStream, Table
from harness.pipeline.sam import OF_RELEASES, cloudformation, in_json
from harness.pipeline.stack import Stack, by_key, is_python, item_as_json
from harness.pipeline.template import FUNCTION_PATH, read
from harness.platforms.deployed.cloudformation import DEPLOY_TAG, STACK_PREFIX, StackRequest
from harness.workload.items import AttributeValue, Item, own_items

BUCKET = "harness-packages-{account}-{region}"
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,127}")
_DIGITS = 16  # of a package's SHA-256 in its key


@dataclass(frozen=True, slots=True)
class Program:
    """A function's code, by the function's logical id. `handler` is None where only CloudFormation knows it."""

    logical_id: str
    root: Path
    runtime: str
    handler: str | None

    def zipped(self) -> Path:
        """The zip in the cache; its name is its SHA-256."""
        return zipped(self.root, self.runtime, self.handler, agent=False)

    def problem(self) -> tuple[Problem | None, bool]:
        """The first syntax error of the code, and whether it is surely one.

        The function's own Python reads the code where this machine has it. Else this one does, which may know less.
        """
        if self.handler is None or not is_python(self.runtime):
            return None, False
        if (compiled := compiled_by(self.runtime, self.root, self.handler)) is not None:
            return next(iter(compiled), None), True
        return syntax_problem(self.root, self.handler, self.runtime), not is_newer(self.runtime)

    def build(self, out: Path) -> Package:
        """The same zip, with what is in it."""
        if not is_python(self.runtime):
            return build(self.root, out, agent=False)
        return build(self.root, out, self.runtime.removeprefix("python"), self.handler, agent=False)


@dataclass(frozen=True, slots=True)
class UserStack:
    """`request` is sent to CloudFormation; `packages` are the zips of the code, by their keys in the bucket."""

    request: StackRequest
    packages: Mapping[str, Path]
    programs: tuple[Program, ...]
    warnings: tuple[Problem, ...]


def programs(stack: Stack) -> tuple[Program, ...]:
    """The function that the stream triggers, and the others whose code lies in folders."""
    function = stack.function
    triggered = Program(function.logical_id, code_folder(function), function.runtime, function.handler)
    resources = cloudformation(load_template(stack.template), stack.parameters).value["Resources"]
    others = [
        Program(
            name,
            folder,
            _text(resources[name]["Properties"], "Runtime") or "",
            _text(resources[name]["Properties"], "Handler"),
        )
        for name, folder in stack.other_code.items()
    ]
    return triggered, *others


def read_stack(template: Path, name: str, parameters: Mapping[str, str], function: str | None) -> Stack:
    """Raises UserError with all that is wrong with the template, or with the stack's name."""
    check_name(name)
    try:
        return read(template, name, parameters=parameters, logical_id=function, any_language=True)
    except UserError as error:
        raise UserError(_as_option(problem) for problem in error.problems) from error


def user_stack(stack: Stack) -> UserStack:
    """The request to CloudFormation, and the packages. Raises UserError for a parameter that has no value."""
    code = programs(stack)
    problems: list[Problem] = []
    warnings = _left_out(load_template(stack.template))
    for program in code:
        problem, is_sure = program.problem()
        if problem:
            (problems if is_sure else warnings).append(problem)
    if problems:
        raise UserError(problems)
    template: dict[str, Any] = in_json(cloudformation(load_template(stack.template), stack.parameters).value)
    packages = {}
    for program in code:
        package = program.zipped()
        key = f"{stack.name}/{program.logical_id}-{package.stem[:_DIGITS]}.zip"
        packages[key] = package
        bucket = BUCKET.format(account="${AWS::AccountId}", region="${AWS::Region}")
        template["Resources"][program.logical_id]["Properties"]["Code"] = {
            "S3Bucket": {"Fn::Sub": bucket},
            "S3Key": key,
        }
    template = _without_idle_parameters(template, stack)
    request = StackRequest(stack.name, stack.template, template, stack.parameters, [DEPLOY_TAG])
    return UserStack(request, packages, code, tuple(warnings))


def _without_idle_parameters(template: dict[str, Any], stack: Stack) -> dict[str, Any]:
    """Without the parameters that have no value and are not used: they named the bucket of the code."""
    declared = template.get("Parameters") or {}
    used = set(mentioned({name: part for name, part in template.items() if name != "Parameters"}))
    without_value = [name for name in declared if name not in stack.parameters]
    missing = [name for name in without_value if name in used]
    if missing:
        raise UserError(
            Problem(f"parameter '{name}' has no default: give it as --parameter {name}=VALUE", file=str(stack.template))
            for name in missing
        )
    kept = {name: parameter for name, parameter in declared.items() if name not in without_value}
    rest = {name: part for name, part in template.items() if name != "Parameters"}
    return rest | ({"Parameters": kept} if kept else {})


def _left_out(document: Document) -> list[Problem]:
    """Warnings about SAM's settings of releases: `deploy` replaces the function and makes no alias."""
    resources: DocumentPath = ("Resources",)
    holders = [(*resources, name, "Properties") for name in document.at(resources)] + [("Globals", "Function")]
    return [
        document.problem((*path, name), f"{name} is left out: a deployment replaces the function")
        for path in holders
        for name in OF_RELEASES
        if document.at((*path, name)) is not None
    ]


def name_of(template: Path) -> str:
    """The default name of a stack: the name of the template's folder."""
    words = re.sub(r"[^a-zA-Z0-9]+", "-", template.resolve().parent.name).strip("-")
    return words if _NAME.fullmatch(words) else "pipeline"


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UserError(f"--stack {name}: a stack's name is up to 128 letters, digits and dashes, a letter first")
    if name.startswith(STACK_PREFIX):
        raise UserError(f"--stack {name}: names that begin with '{STACK_PREFIX}' are those of runs; name another")


def _as_option(problem: Problem) -> Problem:
    return Problem(problem.message, "--function") if problem.path == FUNCTION_PATH else problem


def _text(properties: Mapping[str, Any], name: str) -> str | None:
    """A property that is a text; None where only CloudFormation knows the value."""
    value = properties.get(name)
    return value if isinstance(value, str) else None


_LOOK_MILLISECONDS = 100


def changes(folders: Iterable[Path]) -> Iterator[list[Path]]:
    """The files that changed, each time that some did. The first list is empty, and from then on nothing is missed.

    Raises KeyboardInterrupt on Ctrl-C.
    """
    begun = False
    for changed in watch(
        *_outermost(folders),
        watch_filter=DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, RUNS)),
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    ):
        if changed or not begun:
            begun = True
            yield lasting(changed)


def lasting(changed: Collection[tuple[Change, str]]) -> list[Path]:
    """The changed files without those that were both added and deleted, such as an editor's temporary files."""
    added, deleted = ({path for kind, path in changed if kind == each} for each in (Change.added, Change.deleted))
    return sorted({Path(path) for _, path in changed} - {Path(path) for path in added & deleted})


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """The folders that are inside no other one of them."""
    resolved = {folder.resolve() for folder in folders}
    return sorted(folder for folder in resolved if resolved.isdisjoint(folder.parents))


NEW, CHANGED, UNCHANGED = "new", "changed", "unchanged"
OUTCOMES = (NEW, CHANGED, UNCHANGED)
MAX_ATTEMPTS = 10
_INTENT = "intent"


def read_items(file: Path, table: Table | DataStream) -> list[Item]:
    """The items of a file, YAML or JSON. Raises UserError with all that is wrong with them."""
    if isinstance(table, DataStream):
        again = "an item that is put again is a second record (S-55)"
        raise UserError(f"{table.logical_id} is a Kinesis stream, and has no items: {again}. `load` needs a table")
    try:
        document = parse(file.read_bytes(), str(file))
    except OSError as error:
        raise UserError([Problem(f"cannot be read: {error.strerror}", file=str(file))]) from error
    items = document.value
    if not isinstance(items, list) or not items:
        raise UserError([document.problem((), "expected a list of items, each with attributes")])
    problems = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not item:
            problems.append(document.problem((index,), "is not an item: expected attributes with their values"))
            continue
        problems += [
            document.problem((index,), f"the item has no '{key}', which is a key of {table.logical_id}")
            for key in table.key_names
            if key not in item
        ]
    if problems:
        raise UserError(problems)
    try:
        return own_items(items, table, by_key(table.key_names))
    except UserError as error:
        raise UserError(Problem(problem.message, file=str(file)) for problem in error.problems) from error


def load(client: Any, table_name: str, items: list[Item]) -> Iterator[tuple[Item, str]]:
    """Puts each item, and says whether that was new, changed it, or left it unchanged."""
    for item in items:
        yield item, _put(client, table_name, item)


def _put(client: Any, table_name: str, item: Item) -> str:
    """Raises UserError when somebody else changes the item again and again."""
    key = next(iter(item.key))
    outcome, tried = UNCHANGED, None
    for _ in range(MAX_ATTEMPTS):
        stored = client.get_item(TableName=table_name, Key=item.key, ConsistentRead=True).get("Item")
        if stored is not None and stored == tried:
            return outcome  # the condition has failed against our own write, whose reply was lost (S-11)
        wanted = numbered(item, stored)
        outcome = NEW if stored is None else UNCHANGED if wanted == stored else CHANGED
        try:
            client.put_item(TableName=table_name, Item=wanted, **_while(stored, key))
        except client.exceptions.ConditionalCheckFailedException:
            tried = wanted
        else:
            return outcome
    raise UserError(f"{item.name}: it was changed by others {MAX_ATTEMPTS} times while it was loaded")


def numbered(item: Item, stored: dict[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    """The item to put in place of the stored one, with the stored intent where the rest is the same."""
    if item.intent is not None:
        return (
            stored if stored is not None and item_as_json(stored) == item_as_json(item.attributes) else item.attributes
        )
    if stored is None:
        return item.attributes | {_INTENT: {"S": f"{item.name}/1"}}
    attributes = {name: value for name, value in stored.items() if name != _INTENT}
    if _INTENT in stored and item_as_json(attributes) == item_as_json(item.attributes):
        return stored
    last = stored.get(_INTENT, {}).get("S", "").rpartition("/")[2]
    return item.attributes | {_INTENT: {"S": f"{item.name}/{int(last) + 1 if last.isdecimal() else 1}"}}


def _while(stored: dict[str, AttributeValue] | None, key: str) -> dict[str, Any]:
    """The condition that nobody has changed the item since it was read."""
    if stored is None:
        return {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": key}}
    if _INTENT not in stored:
        return {
            "ConditionExpression": "attribute_exists(#key) AND attribute_not_exists(#intent)",
            "ExpressionAttributeNames": {"#key": key, "#intent": _INTENT},
        }
    return {
        "ConditionExpression": "#intent = :intent",
        "ExpressionAttributeNames": {"#intent": _INTENT},
        "ExpressionAttributeValues": {":intent": stored[_INTENT]},
    }
