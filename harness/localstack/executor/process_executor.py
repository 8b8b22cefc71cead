"""LocalStack's execution environments as processes.

After a crash or a timeout the environment is reset: a new process, cold, with the same folder for temporary files.
Source: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Failures during the invoke phase".
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from localstack import config  # type: ignore[import-not-found]
from localstack.services.lambda_.invocation.executor_endpoint import (  # type: ignore[import-not-found]
    StatusErrorException,
)
from localstack.services.lambda_.invocation.lambda_models import (  # type: ignore[import-not-found]
    FunctionVersion,
    InvocationResult,
)
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor  # type: ignore[import-not-found]

from .function_process import INHERITED, PYTHON_VARIABLES, FunctionProcess, fork_client
from .runtime_api import InitFailed, Invocation, InvocationReply, error

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
