"""Lambda's Invoke for the pipeline's function: executions, warm and cold, with a timeout.

A warm execution finds its environment's modules. An execution ends at its timeout; a request that is under way then is
still carried out (S-110 to S-112).
"""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from harness.agent.actor import Actor
from harness.agent.execution import RaisedInFunction, execute, message_of, not_begun
from harness.agent.requests import Subject, of_event, sequence_numbers
from harness.environment.determinism import EPOCH
from harness.errors import NotImitated
from harness.faults.points import ACKNOWLEDGE, AFTER
from harness.history import MICROSECONDS, Value
from harness.pipeline.resources import REGION
from harness.pipeline.stack import Function
from harness.platforms.base import Reply, Request
from harness.platforms.embedded.environment import Code, ExecutionEnvironment, Lockstep, NoProcess
from harness.platforms.embedded.simulation import Simulation, Stopped, Task

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


@dataclass(eq=False)
class Execution:
    """One run of the function, as the platform keeps it. `tasks`: its own, and those of its threads.

    deadline: in microseconds since the run began; 0 until the handler is imported.
    """

    number: int
    aws_request_id: str
    event: Any
    environment: ExecutionEnvironment
    answer: Answer
    subject: Subject
    deadline: int = 0
    answered: bool = False
    tasks: list[Task] = field(default_factory=list)


class ExecutionActor(Actor):
    """An actor that can also start an execution of the function."""

    @abstractmethod
    def start_execution(self, execution: Execution, body: Callable[[], None]) -> Task:
        """Runs the execution in a new task."""

    @abstractmethod
    def draw(self) -> int:
        """A seed for all that the current process draws until its next order."""

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
        lockstep: Lockstep,
        variables: Mapping[str, str],
    ) -> None:
        self._function = function
        self._root = str(code.folders[0])
        self._variables = {**LAMBDA_VARIABLES, **_variables(function, self._root), **variables}
        self._code = code
        self._simulation = simulation
        self._actor = actor
        self._lockstep = lockstep
        self._idle: list[ExecutionEnvironment] = []
        self._environments: list[ExecutionEnvironment] = []
        self._executions = 0
        self._running: dict[int, Execution] = {}
        self.throttled = False  # whether its concurrency is reserved at zero (S-117)
        self._idle.append(self._new_environment())
        self._idle[0].start()  # meanwhile the pipeline is made

    def close(self) -> None:
        """Ends all environments."""
        for environment in self._environments:
            environment.kill()

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
        execution = Execution(
            number=self._executions,
            aws_request_id=f"00000000-0000-4000-8000-{self._executions:012d}",
            event=event,
            environment=self._idle.pop() if self._idle else self._new_environment(),
            answer=answer,
            subject=of_event(event),
        )
        self._running[execution.number] = execution
        execution.tasks.append(self._actor.start_execution(execution, lambda: self._run(execution)))

    def _new_environment(self) -> ExecutionEnvironment:
        number = len(self._environments) + 1
        variables = self._variables | {"AWS_LAMBDA_LOG_STREAM_NAME": _log_stream(number)}
        environment = ExecutionEnvironment(number, variables, self._code, self._simulation.event())
        self._environments.append(environment)
        return environment

    def _run(self, execution: Execution) -> None:
        environment = execution.environment
        cold = not environment.imported
        try:
            if cold:
                self._initialise(execution)
            execution.deadline = self._simulation.now + self._function.timeout * MICROSECONDS
            self._simulation.at(self._function.timeout * MICROSECONDS, lambda: self._time_out(execution))

            def handler(event: Any, context: Any) -> Any:
                end = self._carry_out(
                    execution, {"order": "invoke", "event": event, "context": self._context(execution)}
                )
                return json.loads(end["answer"])

            event = execution.event
            reply = _reply(execute(handler, event, execution, self._actor, environment.number, cold, self._root))
        except (NoProcess, NotImitated, Stopped):
            raise
        except Exception as error:
            reply = _function_error(execution.aws_request_id, error)
        self._hand_over(execution, reply)
        for _ in self._actor.decide(ACKNOWLEDGE, AFTER, execution.subject):
            self.crash(execution, "signal: killed")  # no other action fits a function that has answered
        if environment.over:
            environment.kill()
        else:
            self._idle.append(environment)

    def _carry_out(self, execution: Execution, order: dict[str, Any]) -> dict[str, Any]:
        """How the order ended. Raises what the function raised; a process that ended is a crash."""
        environment = execution.environment
        order["chance"] = self._actor.draw()
        end = self._lockstep.carry_out(environment, order, execution.tasks)
        if end is None:
            self.crash(execution, environment.ended())
        environment.over = "last" in end
        if "exits" in end:
            self.crash(execution, end["exits"])
        if "unwritable" in end:
            message = f"Unable to marshal response: {end['unwritable']}"
            raise RaisedInFunction("Runtime.MarshalError", message, f"Runtime.MarshalError: {message}", [])
        if "failed" in end:
            failed = end["failed"]
            raise RaisedInFunction(failed["type"], failed["message"], failed["described"], failed["trace"])
        return end

    def _context(self, execution: Execution) -> dict[str, Any]:
        """The attributes of the handler's context: see LambdaContext."""
        function = self._function
        return {
            "aws_request_id": execution.aws_request_id,
            "function_name": function.name,
            "invoked_function_arn": function.arn,
            "memory_limit_in_mb": str(function.memory),
            "log_group_name": f"/aws/lambda/{function.name}",
            "log_stream_name": _log_stream(execution.environment.number),
            "_deadline": execution.deadline,
        }

    def _initialise(self, execution: Execution) -> None:
        began, environment = self._simulation.now, execution.environment
        environment.begin()
        try:
            self._carry_out(execution, {"order": "import"})
        except RaisedInFunction as error:
            not_begun(error, execution.event, execution, self._actor, environment.number, self._root)
            raise
        environment.imported = True
        if self._simulation.now - began > MAX_INIT_SECONDS * MICROSECONDS:
            raise NotImitated("an init phase of more than 10 s is not imitated (on Lambda it would run twice)")

    def _time_out(self, execution: Execution) -> None:
        if not execution.answered:
            message = f"{execution.aws_request_id} Task timed out after {self._function.timeout:.2f} seconds"
            self._end(execution, f"timed out after {self._function.timeout} s", "Sandbox.Timedout", message)

    def _end(self, execution: Execution, error: str, kind: str, message: str) -> None:
        """Ends an execution from outside. Its environment is not used again; its requests under way are carried out."""
        if not execution.answered:
            value = {
                "request_id": execution.aws_request_id,
                "sequence_numbers": sequence_numbers(execution.event),
                "intents": list(execution.subject.intents),
                "environment": execution.environment.number,
            }
            self._actor.record_end(execution, value, error)
            self._hand_over(execution, _error(kind, f"RequestId: {execution.aws_request_id} Error: {message}"))
        execution.environment.kill()
        self._simulation.abandon(execution.tasks)

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
    body = json.dumps(result).encode()
    if len(body) > MAX_PAYLOAD_BYTES:
        return _error("Function.ResponseSizeTooLarge", "Response payload size exceeded the limit of 6291456 bytes")
    return Reply(200, body, {"content-type": "application/json", "x-amz-executed-version": "$LATEST"})


def _function_error(request_id: str, error: Exception) -> Reply:
    """Of what the handler raised, or of what a fault raised in its place."""
    if isinstance(error, RaisedInFunction):
        return _error(error.kind, str(error), requestId=request_id, stackTrace=error.trace)
    return _error(type(error).__name__, message_of(error), requestId=request_id, stackTrace=[])


def _error(kind: str, message: str, **more: Any) -> Reply:
    body = json.dumps({"errorMessage": message, "errorType": kind, **more}).encode()
    headers = {"content-type": "application/json", "x-amz-executed-version": "$LATEST"}
    return Reply(200, body, {**headers, "x-amz-function-error": "Unhandled"})


def _quoted(arn: str) -> str:
    return arn.replace(":", "%3A")
