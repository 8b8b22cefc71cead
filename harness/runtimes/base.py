"""What a runtime is: a way to run LocalStack on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

Say = Callable[[str], None]  # told what is being done now, in a few words


@dataclass(frozen=True, slots=True)
class Running:
    """A LocalStack that a runtime started. `place` names its process or container."""

    runtime: str
    place: str
    port: int
    version: str
    services: tuple[str, ...] = ()
    healthy: bool = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __str__(self) -> str:
        if not self.healthy:
            return (
                f"{self.runtime}: {self.place} does not answer at {self.endpoint}; `python -m harness down` removes it"
            )
        services = ", ".join(self.services)
        return f"{self.runtime}: LocalStack {self.version} at {self.endpoint}, {self.place}, services {services}"


class Runtime(Protocol):
    """Every method raises UserError when this machine lacks something, and says what and how to get it."""

    name: ClassVar[str]

    def up(self, port: int, say: Say) -> Running:
        """Start LocalStack on 127.0.0.1 and wait until it answers; what already runs there is left alone."""

    def down(self, port: int | None, say: Say) -> list[str]:
        """End what `up` started, on that port or on any, whatever became of it. Names what was ended."""

    def status(self) -> list[Running]:
        """What `up` started and nobody ended."""

    def kill(self, port: int) -> None:
        """End it at once, as a crash of its machine would; `start` brings it back."""

    def start(self, port: int, say: Say) -> Running:
        """Start what was killed, and wait until it answers."""

    def pause(self, port: int) -> None:
        """Freeze it, and all that it started."""

    def resume(self, port: int) -> None:
        """Let it go on. One that was not paused goes on as it did."""

    def kill_function(self, port: int, name: str) -> int:
        """Kill the processes, or containers, of a function; says how many there were."""
