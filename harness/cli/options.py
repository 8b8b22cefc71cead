"""Options that several commands share: scenarios, the template and its stack, the platform, and where results go."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.documents import TEMPLATES
from harness.errors import Problem, UserError

if TYPE_CHECKING:  # pydantic: not before it is needed
    from harness.pipeline.stack import Stack
from collections.abc import Callable

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
    click.option("--function", metavar="ID", help="The function that is meant, where several have a stream."),
)


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """What the user has said of it."""

    given: Path | None
    stack: str | None
    parameters: Sequence[str]
    function: str | None

    @property
    def template(self) -> Path:
        """Raises UserError where there is none."""
        if self.given:
            return self.given
        found = next((file for file in (*map(Path, TEMPLATES), SHIPPED) if file.is_file()), None)
        if found is None:
            names = ", ".join((*TEMPLATES, str(SHIPPED)))
            raise UserError(f"no template is here: looked for {names}. Name one with --template; `init` writes one")
        return found

    @property
    def name(self) -> str:
        """The stack's. Raises UserError for one that cannot be."""
        from harness.workflow.stack import check_name, name_of

        name = self.stack or name_of(self.template)
        check_name(name)
        return name

    def read(self) -> Stack:
        """Raises UserError with all that is wrong with the template or with what was said."""
        from harness.workflow.stack import read_stack

        return read_stack(self.template, self.name, self._parameters(), self.function)

    def _parameters(self) -> Mapping[str, str]:
        wrong = [each for each in self.parameters if "=" not in each]
        if wrong:
            raise UserError(Problem(f"--parameter {each}: expected NAME=VALUE") for each in wrong)
        return dict(each.split("=", 1) for each in self.parameters)


def of_a_template(command: Any) -> Any:
    """Gives a command the choice as `choice`."""

    @functools.wraps(command)
    def with_choice(
        *, template: Path | None, stack: str | None, parameters: Sequence[str], function: str | None, **rest: Any
    ) -> Any:
        return command(choice=TemplateChoice(template, stack, parameters, function), **rest)

    for option in reversed(_OPTIONS):
        with_choice = option(with_choice)
    return with_choice


TARGET_FIELDS = ("platform", "endpoint", "account", "profile", "region")


def target_options(platforms: Sequence[str], told: str, default: str | None = None) -> Callable[[Any], Any]:
    """The options of a Target, as `harness.platforms.target.choose_target` takes them."""
    options = (
        click.option("--platform", type=click.Choice(platforms), default=default, help=told),
        click.option("--endpoint", metavar="URL", help="Of LocalStack; AWS_ENDPOINT_URL or port 4566 unless given."),
        click.option("--account", metavar="ID", help="With --platform aws: the account in which it all happens."),
        click.option("--profile", metavar="NAME", help="With --platform aws: whose credentials are used."),
        click.option("--region", metavar="NAME", help="With --platform aws: where."),
    )

    def with_options(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def processes_option(what: str) -> Callable[[Any], Any]:
    """None unless it is given: then `Target.side_by_side` says."""
    told = f"How many {what} go side by side; one for each core, two elsewhere than on the embedded platform."
    return click.option("--processes", type=click.IntRange(1, 64), help=told)


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
    wrong = [setting for setting in settings if "=" not in setting]
    if wrong:
        raise UserError(Problem(f"--set {setting}: expected PATH=VALUE, as in workload.intents=5") for setting in wrong)
    return dict(setting.split("=", 1) for setting in settings)
