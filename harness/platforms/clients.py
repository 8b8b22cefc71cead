"""boto3's sessions and clients, and the one `before-send` handler that puts a run's wire into botocore.

botocore registers its built-in handlers with every session that is created later, so this one also reaches the clients
that a handler creates. While no run is under way it does nothing.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.handlers import BUILTIN_HANDLERS

from harness.agent.wire import Wire, note_timeouts
from harness.errors import UserError
from harness.pipeline.resources import REGION

# Dummy credentials: the embedded platform and LocalStack accept any.
_CREDENTIALS = {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded"}
_active: Wire | None = None


def _before_send(event_name: str, **arguments: Any) -> Any:
    return _active(event_name, **arguments) if _active else None


@functools.cache
def _register() -> None:
    BUILTIN_HANDLERS.extend((("request-created", note_timeouts), ("before-send", _before_send)))


@functools.cache
def dummy_session(signs: bool = False) -> boto3.Session:
    """A session with dummy credentials. It is kept, as it holds the service models, which are slow to read.

    The embedded platform checks no signature, and making one is a third of the cost of a call.
    """
    _register()
    session = boto3.Session(region_name=REGION, **_CREDENTIALS)
    if not signs:
        session._session.set_default_client_config(Config(user_agent="harness", signature_version=UNSIGNED))
    return session


@functools.cache
def user_session(profile: str | None, region: str | None) -> boto3.Session:
    """The user's session. Its credentials are looked up now: within a run the environment is the function's.

    Raises UserError where there are no credentials, or no Region.
    """
    _register()
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise UserError(f"--platform aws: {error}") from error
    if credentials is None:
        raise UserError("--platform aws: no credentials were found; log in, or name a --profile")
    if session.region_name is None:
        raise UserError("--platform aws: no Region is set; name one with --region")
    return session


def client(
    service: str,
    retry_mode: str | None = None,
    max_attempts: int | None = None,
    endpoint: str | None = None,
    read_timeout: float | None = None,
    session: boto3.Session | None = None,
) -> Any:
    """A boto3 client, with dummy credentials unless there is a session. `max_attempts` counts all requests of a call.

    What is None is left to the SDK.
    """
    retries = {"mode": retry_mode, "total_max_attempts": max_attempts}
    config = Config(retries={name: value for name, value in retries.items() if value is not None})
    if read_timeout is not None:
        config = config.merge(Config(read_timeout=read_timeout))
    if endpoint is None:
        return (session or dummy_session()).client(service, config=config)
    config = config.merge(Config(s3={"addressing_style": "path"}))  # 127.0.0.1 has no names for buckets
    return (session or dummy_session(signs=True)).client(service, endpoint_url=endpoint, config=config)


# How long the harness waits for an answer of an emulator. The slowest begins a service, which takes seconds.
ANSWER_SECONDS = 30


@functools.cache
def harness_client(
    service: str,
    max_attempts: int | None = None,
    endpoint: str | None = None,
    read_timeout: float | None = None,
    session: boto3.Session | None = None,
) -> Any:
    """The harness's own client with these arguments. At an endpoint, a call that gets no answer is not made again: what
    is frozen or dead would be waited for five times, or ten.

    One serves every run, as making one takes milliseconds: in legacy mode a client keeps nothing between calls, while
    the newer modes keep a budget of retries.
    """
    if endpoint is None:
        return client(service, "legacy", max_attempts, read_timeout=read_timeout, session=session)
    made = client(service, "legacy", max_attempts, endpoint, read_timeout or ANSWER_SECONDS, session)
    made.meta.events.register_first("needs-retry", _asked_once)
    return made


def _asked_once(caught_exception: Exception | None = None, **arguments: Any) -> None:
    if isinstance(caught_exception, ReadTimeoutError | ConnectTimeoutError | EndpointConnectionError):
        raise caught_exception


def caller_identity(session: boto3.Session, endpoint: str | None) -> dict[str, str]:
    """The caller's Account and Arn. Raises UserError when STS does not answer."""
    try:
        answer: dict[str, str] = harness_client("sts", endpoint=endpoint, session=session).get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        raise UserError(f"--platform aws: the caller's identity is unknown: {error}") from error
    return answer


@contextmanager
def hooked(wire: Wire, environment: Mapping[str, str], session: boto3.Session | None = None) -> Iterator[None]:
    """A context in which every AWS call of this process goes through the wire, and sees the function's environment.

    `session` is boto3's default session in the context.
    """
    global _active
    if _active:
        raise RuntimeError("a run is under way in this process already")
    remaining = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (
        patch.object(boto3, "DEFAULT_SESSION", session or dummy_session()),
        patch.dict(os.environ, {**remaining, **environment}, clear=True),
    ):
        _active = wire
        try:
            yield
        finally:
            _active = None
