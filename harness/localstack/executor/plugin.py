"""What LocalStack loads at its start: the executor, and five corrections of what it starts, writes and ends."""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from localstack.runtime import hooks  # type: ignore[import-not-found]
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin  # type: ignore[import-not-found]

# Half the processor time until DynamoDB Local answers (3.3 s to 1.8 s); it never runs long enough to miss the rest.
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
SERVERS = [sys.executable, str(Path(__file__).with_name("servers.py"))]

# LocalStack keeps nearly all that it allocates: to look through it less often saves 1 s of a start (1.5 s to 0.5 s).
gc.set_threshold(50_000)


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *arguments: object, **options: object) -> type:
        from .process_executor import ProcessExecutor

        return ProcessExecutor


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def stay_on_loopback() -> None:
    """4.14 reads only the port of GATEWAY_LISTEN and listens on every interface (runtime/server/twisted.py)."""
    from localstack.runtime.server import twisted  # type: ignore[import-not-found]

    original = twisted.endpoints
    twisted.endpoints = SimpleNamespace(
        TCP4ServerEndpoint=partial(original.TCP4ServerEndpoint, interface="127.0.0.1"),
        TCP6ServerEndpoint=original.TCP6ServerEndpoint,
    )


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def keep_objects_to_itself() -> None:
    """4.14 stores S3 objects in one folder of /tmp, whoever runs it (services/s3/provider.py): use TMPDIR instead."""
    from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore  # type: ignore[import-not-found]

    original = EphemeralS3ObjectStore.__init__
    EphemeralS3ObjectStore.__init__ = lambda store, root_directory=None: original(store)


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def end_retries_with_their_mapping() -> None:
    """4.14 retries the batch of a deleted mapping for ever, and keeps both (event_source_mapping/esm_worker.py)."""
    from localstack.services.lambda_.event_source_mapping.esm_worker import EsmWorker  # type: ignore[import-not-found]

    original = EsmWorker.delete

    def delete(worker: EsmWorker) -> None:
        worker.poller.close()
        original(worker)

    EsmWorker.delete = delete


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def start_dynamodb_local() -> None:
    """Start it by our script, and now: the first stack need not wait for it."""
    from threading import Thread

    from localstack.services.dynamodb.server import DynamodbServer  # type: ignore[import-not-found]

    original = DynamodbServer._create_shell_command

    def command(server: DynamodbServer) -> list[str]:
        _java, *rest = original(server)
        # The agent is a jar that only LocalStack's own download has; it raises a limit on indexes.
        kept = [word for word in rest if not word.startswith("-javaagent:")]
        return [*SERVERS, "dynamodb_local", str(os.getpid()), *JAVA_OPTIONS, *kept]

    DynamodbServer._create_shell_command = command
    Thread(target=DynamodbServer.get().start_dynamodb, daemon=True).start()


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def start_kinesis_mock() -> None:
    """By our script, when the first stream is asked for."""
    from localstack.services.kinesis.kinesis_mock_server import (  # type: ignore[import-not-found]
        KinesisMockNodeServer,
    )

    original = KinesisMockNodeServer._create_shell_command

    def command(server: KinesisMockNodeServer) -> tuple[list[str], dict[str, object]]:
        started, variables = original(server)
        return [*SERVERS, "kinesis_mock", str(os.getpid()), *map(str, started)], variables

    KinesisMockNodeServer._create_shell_command = command
