"""Options that several commands share: scenarios, the template and its stack, the platform, and where results go."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from harness.documents import TEMPLATES
from harness.errors import Problem, UserError

if TYPE_CHECKING:  # slow to import, and not for every command
    from harness.pipeline.stack import Stack

SHIPPED = Path("lambda/ledger/template.yaml")
_OPTIONS = (
    click.option(
        "--template",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"CloudFormation or SAM. Unless given: {TEMPLATES[0]} (.yml, .json) here, or else {SHIPPED}.",
    ),
    click.option("--stack", metavar="NAME", help="The stack's name; unless given, that of the template's folder."),
    click.option(
        "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Of the template; else its default."
    ),
    click.option("--function", metavar="ID", help="Which function, where several have a stream."),
)


class TemplateChoice(NamedTuple):
    """The template and the stack that the options name."""

    file: Path | None
    stack: str | None
    parameters: Sequence[str]
    function: str | None

    @property
    def template(self) -> Path:
        """Raises UserError where there is none."""
        if self.file:
            return self.file
        template = next((file for file in (*map(Path, TEMPLATES), SHIPPED) if file.is_file()), None)
        if template is None:
            names = ", ".join((*TEMPLATES, str(SHIPPED)))
            raise UserError(f"no template is here: looked for {names}. Name one with --template; `init` writes one")
        return template

    @property
    def name(self) -> str:
        """The stack's name. Raises UserError for an invalid one."""
        from harness.workflow.stack import check_name, name_of

        name = self.stack or name_of(self.template)
        check_name(name)
        return name

    def read(self) -> Stack:
        """Raises UserError with all that is wrong with the template or the options."""
        from harness.workflow.stack import read_stack

        return read_stack(self.template, self.name, _pairs("--parameter", self.parameters, "NAME=VALUE"), self.function)


def of_a_template(command: Any) -> Any:
    """Gives a command the choice as `choice`."""

    @functools.wraps(command)
    def with_choice(
        *, template: Path | None, stack: str | None, parameters: Sequence[str], function: str | None, **rest: Any
    ) -> Any:
        return command(choice=TemplateChoice(template, stack, parameters, function), **rest)

    return _with(_OPTIONS, with_choice)


def _with(options: Sequence[Callable[[Any], Any]], command: Any) -> Any:
    """The command with the options, which `--help` shows in this order."""
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


TARGET_FIELDS = ("platform", "endpoint", "account", "profile", "region")


def target_options(platforms: Sequence[str], meaning: str, default: str | None = None) -> Callable[[Any], Any]:
    """The options of a Target, as `harness.platforms.target.choose_target` takes them."""
    options = (
        click.option("--platform", type=click.Choice(platforms), default=default, help=meaning),
        click.option("--endpoint", metavar="URL", help="Of LocalStack; AWS_ENDPOINT_URL unless given."),
        click.option("--account", metavar="ID", help="With --platform aws: the account that is used."),
        click.option("--profile", metavar="NAME", help="With --platform aws: whose credentials are used."),
        click.option("--region", metavar="NAME", help="With --platform aws: where."),
    )

    return functools.partial(_with, options)


def tell(sentence: str) -> None:
    """Writes to standard error."""
    click.echo(sentence, err=True)


def processes_option(what: str) -> Callable[[Any], Any]:
    """None unless it is given: then `Target.side_by_side` says."""
    meaning = f"How many {what} go side by side; one for each core, and on remote platforms two for each."
    return click.option("--processes", type=click.IntRange(1, 64), help=meaning)


scenarios_argument = click.argument("scenarios", nargs=-1, required=True, type=click.Path(path_type=Path))
set_option = click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE", help="Override a field of the scenario."
)
json_option = click.option(
    "--json", "json_to", metavar="FILE", help="Write the results as JSON, to a file or - (standard output)."
)
runs_option = click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders go."
)


def overrides(settings: Sequence[str]) -> dict[str, str]:
    """The values of --set, by their paths. Raises UserError for one without a value."""
    return _pairs("--set", settings, "PATH=VALUE, as in workload.intents=5")


def _pairs(option: str, texts: Sequence[str], expected: str) -> dict[str, str]:
    if wrong := [text for text in texts if "=" not in text]:
        raise UserError(Problem(f"{option} {text}: expected {expected}") for text in wrong)
    return dict(text.split("=", 1) for text in texts)
