"""What the agent needs of whoever runs it: a history to record in, a nemesis to ask, and a way to die."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

from harness.faults.actions import Action


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call or an event is about: ids of items, intents, and whether it lands an effect.

    target: a table, queue, bucket, topic or URL.
    """

    target: str = ""
    items: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    effect: bool = False

    def within(self, execution: Subject) -> Subject:
        """The same, said of a call of an execution: one that names no intent can be for no other than its only one."""
        intents = self.intents or (execution.intents if len(execution.intents) == 1 else ())
        return replace(self, intents=intents)


class Host(Protocol):
    """Each method speaks for the current actor: the writer or the execution that runs now."""

    def record(self, type: str, f: str, value: dict[str, Any], error: str | None = None) -> None:
        """Appends an operation of the current actor to the history."""

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        """Asks the nemesis what to do at this point."""

    def sleep(self, seconds: float) -> None: ...

    def crash(self) -> NoReturn:
        """Ends the actor's process here and now, without clean-up."""

    def hang(self) -> NoReturn:
        """Does nothing more until the function's timeout ends the execution."""

    def send(self, service: str, operation: str, request: Any) -> Any:
        """Carries out a botocore request; returns a botocore AWSResponse."""

    def observed(self) -> bool:
        """Whether the current actor's calls are part of the experiment; the harness's own are not."""

    def next_call(self) -> int:
        """Numbers the API calls of the current actor, from 1."""
