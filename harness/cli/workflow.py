"""`python -m harness synth|diff|deploy|destroy|load|build|watch`: the user's own stack, from its template."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from harness.cli.options import TARGET_FIELDS, TemplateChoice, of_a_template, target_options
from harness.errors import NotImitated, UserError, one_line
from harness.platforms import AWS, LOCALSTACK
from harness.platforms.target import Target, choose_target
from harness.workflow import stack as stacks
from harness.workflow.deployment import ResourceChange, UserDeployment
from harness.workflow.stack import UserStack, changes, user_stack


def _at_a_target(command: Any) -> Any:
    """Gives a command its `target`, which answers, and on AWS belongs to the account that was named."""

    @functools.wraps(command)
    @click.pass_context
    def with_target(context: click.Context, /, **options: Any) -> Any:
        at = {name: options.pop(name) for name in TARGET_FIELDS}
        return context.invoke(command, target=choose_target(**at), **options)

    return target_options([LOCALSTACK, AWS], "Where the stack is.", LOCALSTACK)(with_target)


@click.command()
@of_a_template
def synth(choice: TemplateChoice) -> int:
    """Print the template as `deploy` hands it to CloudFormation.

    SAM is translated, and the code is in its bucket.

    \b
    Example: python -m harness synth --template template.yaml
    """
    template = dict(_wanted(choice).request.template)
    click.echo(yaml.safe_dump(template, sort_keys=False, width=120), nl=False)
    return 0


@click.command()
@of_a_template
@_at_a_target
@click.option("--fail", is_flag=True, help="End with exit code 1 where there is a difference.")
def diff(choice: TemplateChoice, target: Target, fail: bool) -> int:
    """Say what `deploy` would change.

    The comparison leaves nothing behind.

    \b
    Example: python -m harness diff --fail
    """
    wanted, deployment = _wanted(choice), UserDeployment(target, choice.name)
    changes = deployment.difference(wanted)
    _tell(choice, target, changes)
    return 1 if fail and changes else 0


@click.command()
@of_a_template
@_at_a_target
def deploy(choice: TemplateChoice, target: Target) -> int:
    """Deploy the template as it is written, to stay.

    There is no agent in the functions, and no fault.

    \b
    Example: python -m harness deploy --stack orders
    """
    wanted, deployment = _wanted(choice), UserDeployment(target, choice.name)
    _tell(choice, target, deployment.deploy(wanted))
    for name, value in deployment.outputs().items():
        click.echo(f"  {name} = {value}")
    return 0


@click.command()
@of_a_template
@_at_a_target
@click.option("--yes", is_flag=True, help="Remove without asking.")
def destroy(choice: TemplateChoice, target: Target, yes: bool) -> int:
    """Remove the stack that `deploy` made, with what it holds.

    \b
    Example: python -m harness destroy --yes
    """
    deployment = UserDeployment(target, choice.name)
    resources = deployment.resources()
    click.echo("".join(f"  - {name} {type}\n" for type, name in resources.values()), nl=False)
    asked = f"Remove {choice.name} at {target}, with these {len(resources)} and what they hold?"
    if not yes and not click.confirm(asked):
        click.echo("nothing was removed")
        return 1
    deployment.destroy()
    click.echo(f"{choice.name} at {target}: removed")
    return 0


@click.command()
@click.argument("data", type=click.Path(path_type=Path, dir_okay=False))
@of_a_template
@_at_a_target
def load(data: Path, choice: TemplateChoice, target: Target) -> int:
    """Put the items of DATA into the table whose stream triggers the function.

    Doing it again changes nothing.

    \b
    Example: python -m harness load data/todos.yaml
    """
    source = choice.read().source
    items = stacks.read_items(data, source)
    resources = UserDeployment(target, choice.name).resources()
    if source.logical_id not in resources:
        raise UserError(f"{source.logical_id} is not in {choice.name} at {target} yet: `harness deploy` comes first")
    _, table = resources[source.logical_id]
    outcomes: Counter[str] = Counter()
    for item, outcome in stacks.load(target.client("dynamodb"), table, items):
        outcomes[outcome] += 1
        if outcome != stacks.UNCHANGED:
            click.echo(one_line(f"  {outcome} {item.name}"))
    click.echo(f"{data} into {table}: {', '.join(f'{outcomes[each]} {each}' for each in stacks.OUTCOMES)}")
    return 0


@click.command()
@of_a_template
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("dist"), show_default=True, help="Where to."
)
def build(choice: TemplateChoice, out: Path) -> int:
    """Package each function as `deploy` does, and show what is in the zip.

    \b
    Example: python -m harness build --out dist
    """
    out.mkdir(parents=True, exist_ok=True)
    for program in _wanted(choice).programs:
        package = program.build(out / f"{program.logical_id}.zip")
        unpacked = _size(sum(package.files.values()))
        click.echo(f"{package.path}: {_size(package.path.stat().st_size)}, {unpacked} unpacked")
        for name, size in package.files.items():
            click.echo(f"  {_size(size):>9}  {name}")
        if package.left_out:
            click.echo(f"  left out, as {program.handler} does not import it: {', '.join(package.left_out)}")
    return 0


@click.command()
@of_a_template
@_at_a_target
@click.option("--scenario", type=click.Path(path_type=Path, dir_okay=False), help="Run it after each deployment.")
@click.pass_context
def watch(context: click.Context, choice: TemplateChoice, target: Target, scenario: Path | None) -> int:
    """Deploy, and deploy again whenever the template or the code changes.

    Ctrl-C ends it; the stack stays.

    \b
    Example: python -m harness watch --scenario scenario.yaml
    """
    wanted, deployment = _wanted(choice), UserDeployment(target, choice.name)
    folders = [choice.template.parent, *(program.root for program in wanted.programs)]
    deployed = None
    try:
        for files in changes(folders):
            click.echo("".join(f"changed: {_short(file)}\n" for file in files), nl=False)
            try:
                wanted = _wanted(choice)
                if wanted.request != deployed:
                    _tell(choice, target, deployment.deploy(wanted))
                    deployed = wanted.request
                    if scenario:
                        _run(context, scenario, target)
            except (UserError, NotImitated) as error:  # the next change may put it right
                click.echo(str(error), err=True)
            click.echo("watching; Ctrl-C ends it")
    except KeyboardInterrupt:
        click.echo(f"no longer watching; {choice.name} stays at {target}")
    return 0


def _wanted(choice: TemplateChoice) -> UserStack:
    wanted = user_stack(choice.read())
    for warning in wanted.warnings:
        click.echo(f"warning: {warning}", err=True)
    return wanted


def _tell(choice: TemplateChoice, target: Target, changes: Sequence[ResourceChange]) -> None:
    click.echo(f"{choice.name} at {target}: {len(changes) or 'no'} change{'' if len(changes) == 1 else 's'}")
    for change in changes:
        click.echo(f"  {change}")


def _run(context: click.Context, scenario: Path, target: Target) -> None:
    """As `harness run` does, at the same place."""
    run = context.find_root().command.get_command(context, "run")  # type: ignore[attr-defined]  # it is a group
    context.invoke(run, scenarios=[scenario], **{name: getattr(target, name) for name in TARGET_FIELDS})


def _short(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _size(count: int) -> str:
    return f"{count} B" if count < 1000 else f"{count / 1000:,.1f} kB"
