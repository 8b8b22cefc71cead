"""What LocalStack loads at its start: execution environments as processes, and five corrections of what it starts,
writes and ends.

After a crash or a timeout an environment is reset: a new process, cold, with the same folder for temporary files.
Source: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Failures during the invoke phase".
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from types import SimpleNamespace

from localstack import config  # type: ignore[import-not-found]
from localstack.runtime import hooks  # type: ignore[import-not-found]
from localstack.services.lambda_.invocation.executor_endpoint import (  # type: ignore[import-not-found]
    StatusErrorException,
)
from localstack.services.lambda_.invocation.lambda_models import (  # type: ignore[import-not-found]
    FunctionVersion,
    InvocationResult,
)
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin  # type: ignore[import-not-found]
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor  # type: ignore[import-not-found]

from .function_process import (
    INHERITED,
    PYTHON_VARIABLES,
    FunctionProcess,
    InitFailed,
    Invocation,
    InvocationReply,
    error,
    fork_client,
)

BOOTSTRAP = "bootstrap"


class ProcessExecutor(RuntimeExecutor):  # type: ignore[misc]
    """Zip functions: in Python, where any python3.x runtime gets the Python that LocalStack itself runs on, and with a
    runtime of their own (docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html)."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        # All processes of the function write into it: that says whose they are (`function_of` in native.py).
        self._folder = Path(tempfile.mkdtemp(f"-{function_version.id.function_name}", "environment-"))
        self._log = self._folder / "log"
        self._variables: dict[str, str] = {}
        self._process: FunctionProcess | None = None
        self._stopped = False
        self._lock = Lock()

    def start(self, env_vars: dict[str, str]) -> None:
        temporary = self._folder / "tmp"
        temporary.mkdir(mode=0o700)
        code = str(self.function_version.config.code.get_unzipped_code_location())
        self._variables = {
            "PATH": os.defpath,
            **INHERITED,
            **{name: str(value) for name, value in env_vars.items()},
            "LAMBDA_TASK_ROOT": code,
            "LAMBDA_RUNTIME_DIR": PYTHON_VARIABLES["PYTHONPATH"],
            **PYTHON_VARIABLES,
            "TMPDIR": str(temporary),
        }
        try:
            self._cold_start().api.ready.result()
        except InitFailed as failure:
            raise StatusErrorException("Environment startup failed", payload=failure.payload) from failure

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id = payload["invoke-id"]
        started = time.monotonic()
        try:
            process = self._process
            if process is None or not process.alive:
                process = self._cold_start()
                process.api.ready.result(config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
            reply = self._ask(process, payload)
        except InitFailed as failure:
            reply = InvocationReply(failure.payload, is_error=True)
        except TimeoutError:
            reply = self._timed_out(request_id, config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
        logs = self._logs_of(request_id, (time.monotonic() - started) * 1000)
        return InvocationResult(request_id, reply.payload, reply.is_error, logs)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _cold_start(self) -> FunctionProcess:
        with self._lock:
            if self._stopped:
                raise InitFailed(error("Runtime.ExitError", "the execution environment was stopped"))
            code = self._variables["LAMBDA_TASK_ROOT"]
            handler = self._variables["_HANDLER"]
            command = [f"{code}/{BOOTSTRAP}"] if _has_its_own_runtime(self.function_version) else []
            self._process = FunctionProcess(handler, command, Path(code), self._log, self._variables)
            return self._process

    def _ask(self, process: FunctionProcess, payload: dict[str, str]) -> InvocationReply:
        seconds = self.function_version.config.timeout
        invocation = Invocation(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            deadline=int((time.time() + seconds) * 1000),
            payload=payload["payload"].encode(),
        )
        try:
            return process.api.invoke(invocation).result(seconds)
        except TimeoutError:
            return self._timed_out(invocation.request_id, seconds)

    def _timed_out(self, request_id: str, seconds: float) -> InvocationReply:
        if self._process is not None:
            self._process.kill()
        message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
        return InvocationReply(error("Sandbox.Timedout", message), is_error=True)

    def _logs_of(self, request_id: str, milliseconds: float) -> str:
        written = self.get_logs()
        with suppress(FileNotFoundError):  # stopped meanwhile
            os.truncate(self._log, 0)
        version = self.function_version.id.qualifier
        memory = self.function_version.config.memory_size
        start = f"START RequestId: {request_id} Version: {version}\n"
        end = f"END RequestId: {request_id}\n"
        report = f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tMemory Size: {memory} MB\n"
        return start + written + end + report

    def get_logs(self) -> str:
        try:
            return self._log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return ""  # only LocalStack's own init process would call it

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        settings = function_version.config
        python = str(settings.runtime).startswith("python3.")
        if settings.package_type != "Zip" or not (python or _has_its_own_runtime(function_version)):
            kind = settings.runtime or f"package type {settings.package_type}"
            supported = "zip functions in Python or with a runtime of their own (provided.al2023)"
            raise ValueError(f"the host runtime runs {supported}, not {kind}: use Docker Compose for it")
        if settings.layers:
            raise ValueError("the host runtime has no layers: put their content into the function's zip")
        fork_client()  # its server gets ready while the function is made
        settings.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack removes the unpacked code itself."""


def _has_its_own_runtime(function_version: FunctionVersion) -> bool:
    return str(function_version.config.runtime).startswith("provided")


# Half the processor time until DynamoDB Local answers (3.3 s to 1.8 s); it never runs long enough to miss the rest.
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
SERVERS = [sys.executable, str(Path(__file__).with_name("servers.py"))]

# LocalStack keeps nearly all that it allocates: to look through it less often saves 1 s of a start (1.5 s to 0.5 s).
gc.set_threshold(50_000)


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *arguments: object, **options: object) -> type:
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
