"""The options that say where something takes place, and how much of it at once; the same ones for every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

WHERE = ("platform", "endpoint", "account", "profile", "region")


def where_options(platforms: Sequence[str], told: str, default: str | None = None) -> Callable[[Any], Any]:
    """Those of WHERE, as `harness.where.where` takes them."""
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
    """None unless it is given: then `Where.side_by_side` says."""
    told = f"How many {what} go side by side; one for each core, two elsewhere than on the embedded platform."
    return click.option("--processes", type=click.IntRange(1, 64), help=told)
