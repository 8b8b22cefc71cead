"""Where a run takes place: which platform, at which address, and in whose account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.localstack.health import health
from harness.platforms import AWS, EMBEDDED, LOCALSTACK, hook

LOCALSTACK_ENDPOINT = "http://127.0.0.1:4566"
_AWS_HOSTS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


@dataclass(frozen=True, slots=True)
class Where:
    """A platform; its endpoint where it is not in this process; and on AWS the account, and how to get in."""

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
        """A client of the harness's own, with the user's credentials on AWS."""
        own = hook.user_session(self.profile, self.region) if self.platform == AWS else None
        return hook.own_client(service, endpoint=self.endpoint, own=own)

    def options(self) -> list[str]:
        """The words on the command line that lead to it."""
        given = {name: getattr(self, name) for name in ("platform", "endpoint", "account", "profile", "region")}
        return [word for name, value in given.items() if value for word in (f"--{name}", value)]

    @property
    def side_by_side(self) -> int:
        """How many runs go side by side: one for each core, and two where a run waits half its time for an answer."""
        return (os.cpu_count() or 1) * (1 if self.platform == EMBEDDED else 2)


IN_THIS_PROCESS = Where(EMBEDDED)


def where(
    platform: str | None,
    endpoint: str | None = None,
    account: str | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> Where:
    """The platform by its word, or, without one, LocalStack if it answers and else the embedded platform.

    Raises UserError for options that make no sense together, for a place that does not answer, for AWS unless it is
    named, and for an account that is not the caller's.
    """
    if platform == AWS:
        return _own_account(endpoint, account, profile, region)
    if account or profile or region:
        raise UserError("--account, --profile and --region go with --platform aws")
    if platform == EMBEDDED:
        if endpoint:
            raise UserError("--endpoint goes with --platform localstack: the embedded platform has none")
        return IN_THIS_PROCESS
    found = endpoint or os.environ.get("AWS_ENDPOINT_URL") or LOCALSTACK_ENDPOINT
    host = urlsplit(found).hostname
    if not host or host.endswith(_AWS_HOSTS):
        raise UserError(f"--endpoint {found}: expected the address of a LocalStack, such as {LOCALSTACK_ENDPOINT}")
    if health(found):
        return Where(LOCALSTACK, found)
    if platform is None and endpoint is None:
        return IN_THIS_PROCESS
    raise UserError(f"no LocalStack answers at {found}: start one with `python -m harness up --runtime host`")


def _own_account(endpoint: str | None, account: str | None, profile: str | None, region: str | None) -> Where:
    if not account:
        raise UserError("--platform aws needs --account: the number of the account in which everything is created")
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")  # the SDK would follow it, and not say so
    session = hook.user_session(profile, region)
    who = hook.who_am_i(session, endpoint)
    if who["Account"] != account:
        raise UserError(f"--account {account}: the credentials are of account {who['Account']} ({who['Arn']})")
    return Where(AWS, endpoint, account, profile, session.region_name)
