"""Puts the wire into botocore: one `before-send` handler for this process, whatever runs come and go.

botocore registers its built-in handlers with every session that is created later, so this one reaches the clients of
handlers that know nothing of it. While no run is on it does nothing.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import BUILTIN_HANDLERS

from harness.agent.wire import Wire
from harness.errors import UserError
from harness.pipeline.resources import REGION

# A pipeline on the embedded platform has no account: these reach nobody.
_CREDENTIALS = {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded"}
_active: Wire | None = None


def _before_send(event_name: str, **arguments: Any) -> Any:
    return _active(event_name, **arguments) if _active else None


@functools.cache
def session(signs: bool = False) -> boto3.Session:
    """One session each for the embedded platform and for others: it keeps the service models, which are slow to read.

    Nobody looks at a signature on the embedded platform, and making one is a third of the cost of a call.
    """
    _register()
    made = boto3.Session(region_name=REGION, **_CREDENTIALS)
    if not signs:
        made._session.set_default_client_config(Config(user_agent="harness", signature_version=UNSIGNED))
    return made


@functools.cache
def user_session(profile: str | None, region: str | None) -> boto3.Session:
    """The user's own session, its credentials looked up now: within a run the environment is the function's.

    Raises UserError where there are no credentials, or no Region.
    """
    _register()
    try:
        made = boto3.Session(profile_name=profile, region_name=region)
        credentials = made.get_credentials()
    except BotoCoreError as error:
        raise UserError(f"--platform aws: {error}") from error
    if credentials is None:
        raise UserError("--platform aws: no credentials were found; log in, or name a --profile")
    if made.region_name is None:
        raise UserError("--platform aws: no Region is set; name one with --region")
    return made


def who_am_i(own: boto3.Session, endpoint: str | None) -> dict[str, str]:
    """The caller's Account and Arn. Raises UserError when nobody says so."""
    try:
        answer: dict[str, str] = own_client("sts", endpoint=endpoint, own=own).get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        raise UserError(f"--platform aws: the caller's identity is not told: {error}") from error
    return answer


@functools.cache
def _register() -> None:
    BUILTIN_HANDLERS.append(("before-send", _before_send))


def client(
    service: str,
    retry_mode: str | None = None,
    max_attempts: int | None = None,
    endpoint: str | None = None,
    read_timeout: float | None = None,
    own: boto3.Session | None = None,
) -> Any:
    """A real client, of the user's `own` session where there is one; `max_attempts` counts all requests of one call.

    What is None is left to the SDK.
    """
    retries = {"mode": retry_mode, "total_max_attempts": max_attempts}
    config = Config(retries={name: value for name, value in retries.items() if value is not None})
    if read_timeout is not None:
        config = config.merge(Config(read_timeout=read_timeout))
    if endpoint is None:
        return (own or session()).client(service, config=config)
    config = config.merge(Config(s3={"addressing_style": "path"}))  # 127.0.0.1 has no names for buckets
    return (own or session(signs=True)).client(service, endpoint_url=endpoint, config=config)


@functools.cache
def own_client(
    service: str,
    max_attempts: int | None = None,
    endpoint: str | None = None,
    read_timeout: float | None = None,
    own: boto3.Session | None = None,
) -> Any:
    """A client of the harness's own. Making one takes milliseconds; in legacy mode a client keeps nothing between calls
    (the newer modes keep a budget of retries), so one serves every run."""
    return client(service, "legacy", max_attempts, endpoint, read_timeout, own)


class Hooked:
    """A context in which every AWS call of this process goes through one wire, and sees the function's environment."""

    def __init__(self, wire: Wire, environment: Mapping[str, str], default: boto3.Session | None = None) -> None:
        self._wire = wire
        self._default = default
        self._environment = environment

    def __enter__(self) -> Hooked:
        global _active
        if _active:
            raise RuntimeError("a run is on in this process already")
        self._kept_session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, self._default or session()
        self._kept_environment = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(self._environment)
        _active = self._wire
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _active
        _active = None
        os.environ.clear()
        os.environ.update(self._kept_environment)
        boto3.DEFAULT_SESSION = self._kept_session
