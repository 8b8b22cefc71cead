"""The target of a run: which platform, at which address, and in which AWS account."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.platforms import AWS, EMBEDDED, LOCALSTACK

LOCALSTACK_ENDPOINT = "http://127.0.0.1:4566"
_AWS_HOSTS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


@dataclass(frozen=True, slots=True)
class Target:
    """A platform; the endpoint of a remote one; on AWS the account, the profile for its credentials, and the Region."""

    platform: str
    endpoint: str | None = None
    account: str | None = None
    profile: str | None = None
    region: str | None = None

    def __str__(self) -> str:
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
        return [word for name, value in asdict(self).items() if value for word in (f"--{name}", value)]

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
) -> Target:
    """The platform of that name; without a name, LocalStack if it answers, else the embedded platform.

    AWS is chosen only by its name. Raises UserError for options that make no sense together, for an endpoint that does
    not answer, and for an account that is not the caller's.
    """
    if platform == AWS:
        return _aws_target(endpoint, account, profile, region)
    if account or profile or region:
        raise UserError("--account, --profile and --region go with --platform aws")
    if platform == EMBEDDED:
        if endpoint:
            raise UserError("--endpoint goes with --platform localstack: the embedded platform has none")
        return EMBEDDED_TARGET
    from harness.localstack.health import health  # loads Docker's client

    address = endpoint or os.environ.get("AWS_ENDPOINT_URL") or LOCALSTACK_ENDPOINT
    host = urlsplit(address).hostname
    if not host or host.endswith(_AWS_HOSTS):
        raise UserError(f"--endpoint {address}: expected the address of a LocalStack, such as {LOCALSTACK_ENDPOINT}")
    if health(address):
        return Target(LOCALSTACK, address)
    if platform is None and endpoint is None:
        return EMBEDDED_TARGET
    raise UserError(f"no LocalStack answers at {address}: start one with `python -m harness up --runtime host`")


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
