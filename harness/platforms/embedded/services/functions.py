"""Lambda's Invoke for the pipeline's function: executions, warm and cold, with a timeout.

A warm execution finds its environment's modules. An execution ends at its timeout; a request that is under way then is
still carried out (S-110 to S-112).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import greenlet

from harness.agent.actor import Actor
from harness.agent.execution import execute, exit_of, message_of, not_begun
from harness.agent.requests import Subject, of_event, sequence_numbers
from harness.errors import NotImitated
from harness.faults.points import ACKNOWLEDGE, AFTER
from harness.history import MICROSECONDS, Value
from harness.pipeline.resources import REGION
from harness.pipeline.stack import Function
from harness.platforms.base import Reply, Request
from harness.platforms.embedded.environment import Code, ExecutionEnvironment, HandlerNotFound
from harness.platforms.embedded.simulation import EPOCH, Simulation, Task
from harness.waiting import Interrupted

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
MAX_INIT_SECONDS = 10

# What Lambda sets for each function. Source:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
LAMBDA_VARIABLES = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_SESSION_TOKEN": "embedded",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "TZ": ":UTC",
    # Not Lambda's: the function uses neither this machine's proxies nor the profiles of its user.
    "no_proxy": "*",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

Answer = Callable[[Reply], None]


@dataclass(frozen=True)
class CognitoIdentity:
    """Of an invocation by the mobile SDK; any other has one too, with nothing in it."""

    cognito_identity_id: None = None
    cognito_identity_pool_id: None = None


@dataclass(eq=False)
class LambdaContext:
    """The context that the handler gets: the attributes of Lambda's, and no others.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    get_remaining_time_in_millis: Callable[[], int]
    function_version: str = "$LATEST"
    identity: CognitoIdentity = CognitoIdentity()
    client_context: None = None

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


@dataclass(eq=False)
class Execution:
    """One run of the function, as the platform keeps it.

    deadline: in microseconds since the run began; 0 until the handler is imported.
    """

    number: int
    request_id: str
    event: Any
    environment: ExecutionEnvironment
    answer: Answer
    subject: Subject
    deadline: int = 0
    answered: bool = False
    task: Task | None = None


class ExecutionActor(Actor):
    """An actor that can also start an execution of the function."""

    @abstractmethod
    def start_execution(self, execution: Execution, body: Callable[[], None]) -> Task:
        """Runs the execution in a new task."""

    @abstractmethod
    def record_end(self, execution: Execution, value: Value, error: str) -> None:
        """Records that the execution was ended from outside, as it cannot record that itself."""


class Functions:
    """Serves Invoke. An environment runs one execution at a time; the latest idle one is used first."""

    def __init__(
        self,
        function: Function,
        code: Code,
        simulation: Simulation,
        actor: ExecutionActor,
        variables: Mapping[str, str],
    ) -> None:
        self._function = function
        self._variables = {**LAMBDA_VARIABLES, **_variables(function, code.root), **variables}
        self._code = code
        self._simulation = simulation
        self._actor = actor
        self._idle: list[ExecutionEnvironment] = []
        self._environments = 0
        self._executions = 0
        self._running: dict[int, Execution] = {}
        self.throttled = False  # whether its concurrency is reserved at zero (S-117)

    def invoke(self, request: Request, answer: Answer) -> None:
        """Starts an execution. `answer` gets the reply when it has ended."""
        request.check_imitated(["Invoke"])
        if request.headers.get("X-Amz-Invocation-Type", "RequestResponse") != "RequestResponse":
            raise NotImitated("lambda.Invoke is imitated for InvocationType=RequestResponse only")
        if not any(f"/functions/{name}/" in request.url for name in (self._function.name, _quoted(self._function.arn))):
            answer(Reply.error("ResourceNotFoundException", "Function not found", 404))
        elif self.throttled:
            answer(Reply.error("TooManyRequestsException", "Rate Exceeded.", 429))
        elif len(request.body) > MAX_PAYLOAD_BYTES:
            answer(Reply.error("RequestTooLargeException", "Request must be smaller than 6291456 bytes", 413))
        else:
            self._start(json.loads(request.body or b"{}"), answer)

    def crash(self, execution: Execution, why: str) -> NoReturn:
        """Ends the process of the current execution without clean-up."""
        self._end(execution, f"crashed: {why}", "Runtime.ExitError", f"Runtime exited with error: {why}")
        raise AssertionError("an abandoned task went on")

    def kill(self, number: int) -> None:
        """Ends the process of a running execution from outside."""
        why = "signal: killed"
        self._end(self._running[number], f"crashed: {why}", "Runtime.ExitError", f"Runtime exited with error: {why}")

    def _start(self, event: Any, answer: Answer) -> None:
        self._executions += 1
        if not self._idle:
            self._environments += 1
            number = self._environments
            variables = self._variables | {"AWS_LAMBDA_LOG_STREAM_NAME": _log_stream(number)}
            self._idle.append(ExecutionEnvironment(number, variables, self._code.root))
        execution = Execution(
            number=self._executions,
            request_id=f"00000000-0000-4000-8000-{self._executions:012d}",
            event=event,
            environment=self._idle.pop(),
            answer=answer,
            subject=of_event(event),
        )
        self._running[execution.number] = execution
        execution.task = self._actor.start_execution(execution, lambda: self._run(execution))

    def _run(self, execution: Execution) -> None:
        environment, context = execution.environment, self._context(execution)
        cold = environment.handler is None
        try:
            handler = environment.handler or self._initialise(execution, context)
            execution.deadline = self._simulation.now + self._function.timeout * MICROSECONDS
            self._simulation.at(self._function.timeout * MICROSECONDS, lambda: self._time_out(execution))
            result = execute(handler, execution.event, context, self._actor, environment.number, cold, self._code.root)
            reply = _reply(result)
        except NotImitated:
            raise
        except Exception as error:
            reply = _function_error(execution.request_id, error)
        except greenlet.GreenletExit:  # the run is over
            raise
        except BaseException as error:
            if _is_interrupt(error):
                raise
            self.crash(execution, exit_of(error, self._code.root))
        self._hand_over(execution, reply)
        for _ in self._actor.decide(ACKNOWLEDGE, AFTER, execution.subject):
            self.crash(execution, "signal: killed")  # no other action fits a function that has answered
        self._idle.append(environment)

    def _context(self, execution: Execution) -> LambdaContext:
        function = self._function
        return LambdaContext(
            aws_request_id=execution.request_id,
            function_name=function.name,
            invoked_function_arn=function.arn,
            memory_limit_in_mb=str(function.memory),
            log_group_name=f"/aws/lambda/{function.name}",
            log_stream_name=_log_stream(execution.environment.number),
            get_remaining_time_in_millis=lambda: max(0, (execution.deadline - self._simulation.now) // 1000),
        )

    def _initialise(self, execution: Execution, context: LambdaContext) -> Callable[[Any, Any], Any]:
        began, environment = self._simulation.now, execution.environment
        try:
            handler = self._code.load(environment)
        except NotImitated:
            raise
        except Exception as error:
            not_begun(error, execution.event, context, self._actor, environment.number, self._code.root)
            raise
        if self._simulation.now - began > MAX_INIT_SECONDS * MICROSECONDS:
            raise NotImitated("an init phase of more than 10 s is not imitated (on Lambda it would run twice)")
        return handler

    def _time_out(self, execution: Execution) -> None:
        if not execution.answered:
            message = f"{execution.request_id} Task timed out after {self._function.timeout:.2f} seconds"
            self._end(execution, f"timed out after {self._function.timeout} s", "Sandbox.Timedout", message)

    def _end(self, execution: Execution, error: str, kind: str, message: str) -> None:
        """Ends an execution from outside. Its environment is not used again; its requests under way are carried out."""
        assert execution.task
        if not execution.answered:
            value = {
                "request_id": execution.request_id,
                "sequence_numbers": sequence_numbers(execution.event),
                "intents": list(execution.subject.intents),
                "environment": execution.environment.number,
            }
            self._actor.record_end(execution, value, error)
            self._hand_over(execution, _error(kind, f"RequestId: {execution.request_id} Error: {message}"))
        self._simulation.abandon(execution.task)

    def _hand_over(self, execution: Execution, reply: Reply) -> None:
        execution.answered = True
        self._running.pop(execution.number, None)
        execution.answer(reply)


def _variables(function: Function, root: str) -> dict[str, str]:
    """What Lambda says of the function, and its own."""
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "LAMBDA_TASK_ROOT": root,
        "_HANDLER": function.handler,
        **function.environment,
    }


def _log_stream(environment: int) -> str:
    """On Lambda one for each environment, on the day that it began."""
    return f"{EPOCH:%Y/%m/%d}/[$LATEST]{environment:032x}"


def _reply(result: Any) -> Reply:
    try:
        body = json.dumps(result).encode()
    except Exception as error:  # the user's own mapping may raise anything
        return _error("Runtime.MarshalError", f"Unable to marshal response: {message_of(error)}")
    if len(body) > MAX_PAYLOAD_BYTES:
        return _error("Function.ResponseSizeTooLarge", "Response payload size exceeded the limit of 6291456 bytes")
    return Reply(200, body, {"content-type": "application/json", "x-amz-executed-version": "$LATEST"})


def _function_error(request_id: str, error: Exception) -> Reply:
    kind = "Runtime.ImportModuleError" if isinstance(error, HandlerNotFound) else type(error).__name__
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{Path('harness', 'agent')}" not in f.filename]
    return _error(kind, message_of(error), requestId=request_id, stackTrace=traceback.format_list(frames))


def _error(kind: str, message: str, **more: Any) -> Reply:
    body = json.dumps({"errorMessage": message, "errorType": kind, **more}).encode()
    headers = {"content-type": "application/json", "x-amz-executed-version": "$LATEST"}
    return Reply(200, body, {**headers, "x-amz-function-error": "Unhandled"})


def _is_interrupt(error: BaseException) -> bool:
    """Whether somebody has pressed Ctrl-C, or sent another signal that ends a run: the function has not raised it.

    Where the signals are those of Python, its own error is the only sign of one.
    """
    pythons = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, Interrupted) or (pythons and type(error) is KeyboardInterrupt)


def _quoted(arn: str) -> str:
    return arn.replace(":", "%3A")
