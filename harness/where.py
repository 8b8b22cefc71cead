"""Where a run takes place: which platform, and at which address."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness import platform_name
from harness.errors import UserError
from harness.runtimes.health import health

LOCALSTACK_ENDPOINT = "http://127.0.0.1:4566"
_AWS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


@dataclass(frozen=True, slots=True)
class Where:
    """A platform, and its endpoint where it is not in this process."""

    platform: str
    endpoint: str | None = None

    def __str__(self) -> str:
        return f"{self.platform} at {self.endpoint}" if self.endpoint else self.platform


EMBEDDED = Where(platform_name.EMBEDDED)


def where(platform: str | None, endpoint: str | None) -> Where:
    """The platform by its word, or, without one, LocalStack if it answers and else the embedded platform.

    Raises UserError for an endpoint that makes no sense with it, that does not answer, or that is AWS itself.
    """
    if platform == EMBEDDED.platform:
        if endpoint:
            raise UserError("--endpoint goes with --platform localstack: the embedded platform has none")
        return EMBEDDED
    found = endpoint or os.environ.get("AWS_ENDPOINT_URL") or LOCALSTACK_ENDPOINT
    host = urlsplit(found).hostname
    if not host or host.endswith(_AWS):
        raise UserError(f"--endpoint {found}: expected the address of a LocalStack, such as {LOCALSTACK_ENDPOINT}")
    if health(found):
        return Where(platform_name.LOCALSTACK, found)
    if platform is None and endpoint is None:
        return EMBEDDED
    raise UserError(f"no LocalStack answers at {found}: start one with `python -m harness up --runtime host`")
