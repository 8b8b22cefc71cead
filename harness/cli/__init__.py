"""The command line: `python -m harness`. The module of a command is imported when the command is named."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from harness import __version__, project
from harness.environment import fork_server
from harness.errors import NotImitated, UserError, of_the_disk, printable
from harness.reports import ExitCode
from harness.waiting import signals_interrupt

# Each command: where it is, and the first sentence of its help, so that `--help` imports none of them.
SECTIONS = {
    "Measure": {
        "try": (
            "run:try_template",
            "Try a template's stream functions with made-up items: without faults, and then with each of a short list.",
        ),
        "run": ("run:run", "Run scenarios, and say of each variant whether it is valid, invalid or unknown."),
        "check": ("run:check", "Judge stored runs again, from their histories, without running anything."),
        "matrix": ("matrix:matrix", "Say which writers, consumers, faults and sinks together are exactly-once."),
    },
    "Write scenarios": {
        "init": ("scenarios:init", "Write a scenario for the template in FOLDER, or a small pipeline with one."),
        "lint": ("scenarios:lint", "Say everything that is wrong with scenarios, and run nothing."),
        "list": ("scenarios:list_scenarios", "List scenarios, with their questions and variants."),
        "schema": ("scenarios:schema", "Print the JSON Schema of a scenario file."),
    },
    "LocalStack on this machine": {
        "doctor": (
            "localstack:doctor",
            "Say what this machine has, what answers where, and which SCENARIOS it could play.",
        ),
        "up": ("localstack:up", "Start LocalStack and wait until it answers."),
        "status": ("localstack:status", "Say which LocalStack runs, and where."),
        "down": ("localstack:down", "End what `up` started, even if it does not answer any more."),
    },
    "Your own stack, without faults": {
        "synth": ("workflow:synth", "Print the template as `deploy` hands it to CloudFormation."),
        "diff": ("workflow:diff", "Say what `deploy` would change."),
        "deploy": ("workflow:deploy", "Deploy the template as it is written, to stay."),
        "load": ("workflow:load", "Put the items of DATA into the table whose stream triggers the function."),
        "build": ("workflow:build", "Package each function as `deploy` does, and show what is in the zip."),
        "watch": ("workflow:watch", "Deploy, and deploy again whenever the template or the code changes."),
        "destroy": ("workflow:destroy", "Remove the stack that `deploy` made, with what it holds."),
    },
}
# They play functions. What starts their processes begins while the rest is still imported.
_PLAYING = ("matrix", "run", "try")
COMMANDS = {name: row for section in SECTIONS.values() for name, row in section.items()}


class LazyGroup(click.Group):
    """Imports a command on demand, and turns what can go wrong into one message and an exit code."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(f"harness.cli.{module}"), attribute)
        return command

    def resolve_command(self, context: click.Context, words: list[str]) -> Any:
        if words[0] in _PLAYING and not {"-h", "--help"} & {*words}:
            fork_server()
        return super().resolve_command(context, words)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, sentence) for name, (_, sentence) in section.items()])

    def main(self, *arguments: Any, **extra: Any) -> Any:
        if sys.platform == "win32":
            _stop("harness runs on Linux and macOS. On Windows, run it in WSL 2.", ExitCode.USER_MISTAKE)
        try:
            with signals_interrupt():
                sys.exit(super().main(*arguments, **{**extra, "standalone_mode": False}) or 0)
        except UserError as error:
            _stop(str(error), ExitCode.USER_MISTAKE)
        except NotImitated as error:
            _stop(f"not imitated: {error}", ExitCode.USER_MISTAKE)
        except click.ClickException as error:
            error.show()
            sys.exit(ExitCode.USER_MISTAKE)
        except (click.Abort, KeyboardInterrupt):
            _stop("interrupted: what was running is unknown", ExitCode.INTERRUPTED)
        except BrokenPipeError:
            sys.exit(ExitCode.INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and (problem := of_the_disk(error)):
                _stop(str(problem), ExitCode.USER_MISTAKE)
            import traceback  # slow to import

            _stop(f"{traceback.format_exc()}this is a mistake of the harness", ExitCode.OUR_MISTAKE)


def _stop(message: str, code: int) -> None:
    click.echo(printable(message), err=True)
    sys.exit(code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Measure whether a serverless pipeline is exactly-once.

    \b
    Example: python -m harness run scenarios/duplicate_put.yaml

    Defaults of --platform, --runs, --processes and --seeds can stand in pyproject.toml, under [tool.harness].

    Exit codes: 0 every expectation met, 1 one violated, 2 unknown, 254 a mistake in the scenario or the arguments,
    255 a mistake of ours, 130 interrupted.
    """
    values = project.defaults(Path.cwd())
    shared = {name: value for name, value in values.items() if name != "seeds"}
    context.default_map = {"run": values, "matrix": shared}
