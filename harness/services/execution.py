"""One execution of the function, as Lambda keeps it; to the handler it is the Lambda context.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.agent.host import Subject
from harness.environment import Environment
from harness.services.base import Reply
from harness.simulation import Simulation, Task
from harness.stack import Function

Answer = Callable[[Reply], None]


@dataclass(eq=False)
class Execution:
    """One run of the function, and the Lambda context that its handler gets."""

    function: Function
    number: int
    aws_request_id: str
    event: Any
    environment: Environment
    answer: Answer
    simulation: Simulation
    subject: Subject
    deadline: int = 0
    answered: bool = False
    task: Task | None = None
    function_version: str = "$LATEST"
    identity: None = None
    client_context: None = None

    @property
    def function_name(self) -> str:
        return self.function.name

    @property
    def invoked_function_arn(self) -> str:
        return self.function.arn

    @property
    def memory_limit_in_mb(self) -> str:
        return str(self.function.memory)

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function.name}"

    @property
    def log_stream_name(self) -> str:
        return f"environment-{self.environment.number}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, (self.deadline - self.simulation.now) // 1000)
