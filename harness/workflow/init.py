"""What `harness init` writes: a scenario for the user's template, or a small pipeline with one."""

from __future__ import annotations

import re
from importlib.resources import files as files_of
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template

from harness.documents import TEMPLATES, load_template
from harness.errors import Problem, UserError
from harness.pipeline.resources import DataStream, Table
from harness.pipeline.sam import cloudformation
from harness.pipeline.stack import LEDGER, VIEW, Stack
from harness.pipeline.template import FUNCTION_PATH, read
from harness.scenario.model import NAME_PATTERN
from harness.workload.items import made_up_key

SCENARIO, ITEMS = "scenario.yaml", "items.yaml"
_TEXTS = files_of("harness.workflow") / "init_files"


def init_files(folder: Path) -> dict[Path, str]:
    """The files to write, with their texts. Raises UserError when one exists, or the template is not a pipeline."""
    template = next((folder / name for name in TEMPLATES if (folder / name).is_file()), None)
    if template:
        stack, functions = _read(template)
        key = stack.source.key_names
        scenario = _scenario(
            folder,
            template=template.name,
            functions=functions if len(functions) > 1 else [],
            key=[] if "id" in key else key,
            sinks=_sinks(stack),
        )
        files = {folder / SCENARIO: scenario, folder / ITEMS: _items(stack.source)}
    else:
        scenario = _scenario(folder, template=TEMPLATES[0], functions=[], key=[], sinks=None)
        files = {
            folder / TEMPLATES[0]: _TEXTS.joinpath("template.yaml").read_text("utf-8"),
            folder / "src" / "app.py": _TEXTS.joinpath("app.py.txt").read_text("utf-8"),
            folder / SCENARIO: scenario,
        }
    if existing := [file for file in files if file.exists()]:
        raise UserError([Problem("is there already, and is left as it is", file=str(file)) for file in existing])
    return files


def _scenario(folder: Path, **values: Any) -> str:
    template = Template(
        _TEXTS.joinpath("scenario.yaml.jinja").read_text("utf-8"),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    text: str = template.render(name=_name(folder), **values)
    return text


def _items(table: Table | DataStream) -> str:
    """A few items that have their keys and nothing else."""
    lines = [f"# What is written into {table.logical_id}. Add the attributes that your function reads, and more items."]
    for number in range(1, 4):
        key = made_up_key(f"{table.logical_id.lower()}-{number}", number, table)
        lines.append(f"- {{{', '.join(f'{name}: {word}' for name, typed in key.items() for word in typed.values())}}}")
    return "\n".join(lines) + "\n"


def _read(template: Path) -> tuple[Stack, list[str]]:
    """The stack of its first function that has a stream, and the names of all of them."""
    try:
        stack = read(template, "init")
        return stack, [stack.function.logical_id]
    except UserError as error:
        if [problem.path for problem in error.problems] != [FUNCTION_PATH]:
            raise
    resources = cloudformation(load_template(template), {}).value["Resources"]
    stacks: dict[str, Stack] = {}
    for name in resources:
        try:
            stacks[name] = read(template, "init", logical_id=name)
        except UserError as error:
            if [problem.path for problem in error.problems] != [FUNCTION_PATH]:
                raise
    return next(iter(stacks.values())), list(stacks)


def _sinks(stack: Stack) -> dict[str, str]:
    """The roles of the tables that may be sinks, by logical id: which of them is one, only the user knows."""
    tables = [table for table in stack.tables if table.logical_id != stack.source.logical_id]
    sinks = [table for table in tables if table.role in (LEDGER, VIEW)]
    return {table.logical_id: table.role or LEDGER for table in sinks or tables}


def _name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name if re.fullmatch(NAME_PATTERN, name) else "pipeline"
