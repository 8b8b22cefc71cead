"""The target of a run: which platform, at which address, and in which AWS account."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.platforms import AWS, EMBEDDED, LOCALSTACK

LOCALSTACK_ENDPOINT = "http://127.0.0.1:4566"
_AWS_HOSTS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


@dataclass(frozen=True, slots=True)
class Target:
    """A platform; the endpoint of a remote one; on AWS the account, the profile for its credentials, and the Region.

    emulator: what answers at the endpoint, where that is not LocalStack.
    """

    platform: str
    endpoint: str | None = None
    account: str | None = None
    profile: str | None = None
    region: str | None = None
    emulator: str | None = None

    def __str__(self) -> str:
        if self.emulator:
            return f"{self.emulator} at {self.endpoint}"
        account = f" account {self.account} in {self.region}" if self.account else ""
        endpoint = f" at {self.endpoint}" if self.endpoint else ""
        return f"{self.platform}{account}{endpoint}"

    def client(self, service: str) -> Any:
        """A boto3 client for the harness itself, with the user's credentials on AWS."""
        from harness.platforms import clients  # loads boto3

        session = clients.user_session(self.profile, self.region) if self.platform == AWS else None
        return clients.harness_client(service, endpoint=self.endpoint, session=session)

    def options(self) -> list[str]:
        """The command-line options that choose this target."""
        chosen = {name: value for name, value in asdict(self).items() if value and name != "emulator"}
        return [word for name, value in chosen.items() for word in (f"--{name}", value)]

    @property
    def side_by_side(self) -> int:
        """How many runs are played at once: one for each core; two on a remote platform, where runs mostly wait."""
        return (os.cpu_count() or 1) * (1 if self.platform == EMBEDDED else 2)


EMBEDDED_TARGET = Target(EMBEDDED)


def choose_target(
    platform: str | None,
    endpoint: str | None = None,
    account: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    hint: Callable[[str], object] = lambda sentence: None,
) -> Target:
    """The platform of that name; without a name, a LocalStack that is asked for or ours, else the embedded platform.

    Asked for is what answers at AWS_ENDPOINT_URL, ours is what `harness up` or its Compose file started. What else
    answers on LocalStack's port is named in a hint and left alone. AWS is chosen only by its name.

    Raises UserError for options that make no sense together, for an endpoint that does not answer, and for an account
    that is not the caller's.
    """
    if platform == AWS:
        return _aws_target(endpoint, account, profile, region)
    if account or profile or region:
        raise UserError("--account, --profile and --region go with --platform aws")
    if platform == EMBEDDED:
        if endpoint:
            raise UserError("--endpoint goes with --platform localstack: the embedded platform has none")
        return EMBEDDED_TARGET
    asked_for = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    if asked_for is None:
        return _localstack_here(platform, hint)
    option = "--endpoint" if endpoint else "AWS_ENDPOINT_URL"
    host = urlsplit(asked_for).hostname
    if not host or host.endswith(_AWS_HOSTS):
        raise UserError(f"{option} {asked_for}: expected the address of a LocalStack, such as {LOCALSTACK_ENDPOINT}")
    if target := _at(asked_for):
        return target
    if platform is None and endpoint is None:
        hint(f"nothing answers at AWS_ENDPOINT_URL, {asked_for}: the embedded platform is used")
        return EMBEDDED_TARGET
    raise UserError(f"no LocalStack answers at {asked_for}: {_START}")


_START = "start one with `python -m harness up --runtime host`"


def _at(endpoint: str) -> Target | None:
    """What answers at the endpoint; None where nothing does."""
    from harness.localstack.health import LOCALSTACK as ITSELF
    from harness.localstack.health import emulator_at

    emulator = emulator_at(endpoint)
    if emulator is None:
        return None
    return Target(LOCALSTACK, endpoint, emulator=None if emulator.name == ITSELF else str(emulator))


def _localstack_here(platform: str | None, hint: Callable[[str], object]) -> Target:
    """A LocalStack of this machine that nobody has named: ours; on its usual port also another one, if it is wanted."""
    from harness.localstack import ours

    for running in ours():
        if target := _at(running.endpoint):
            return target
    other = _at(LOCALSTACK_ENDPOINT)
    if platform is None:
        if other:
            who = other.emulator or "a LocalStack that harness did not start"
            use = f"--platform {LOCALSTACK} --endpoint {LOCALSTACK_ENDPOINT}"
            hint(f"{who} answers at {LOCALSTACK_ENDPOINT} and is left alone; `{use}` runs there")
        return EMBEDDED_TARGET
    if other is None:
        raise UserError(f"no LocalStack answers at {LOCALSTACK_ENDPOINT}: {_START}")
    if other.emulator:
        use = f"--endpoint {LOCALSTACK_ENDPOINT}"
        raise UserError(f"{other} is no LocalStack: `{use}` runs there all the same, or {_START} and --port")
    return other


def _aws_target(endpoint: str | None, account: str | None, profile: str | None, region: str | None) -> Target:
    if not account:
        raise UserError("--platform aws needs --account: the number of the account in which everything is created")
    from harness.platforms import clients

    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")  # the SDK uses it without being asked
    session = clients.user_session(profile, region)
    caller = clients.caller_identity(session, endpoint)
    if caller["Account"] != account:
        raise UserError(f"--account {account}: the credentials are of account {caller['Account']} ({caller['Arn']})")
    return Target(AWS, endpoint, account, profile, session.region_name)
