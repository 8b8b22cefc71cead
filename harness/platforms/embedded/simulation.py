"""Cooperative tasks in virtual time: one thread and one heap of scheduled actions, so that each run is deterministic.

A task runs until it sleeps or waits. Then time jumps to the earliest action of the heap, and it runs. Actions of the
same time run in the order in which they were scheduled, so the same program always gives the same order.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import greenlet

from harness.errors import NotImitated
from harness.history import MICROSECONDS

# Tasks whose clean-up never ends. They are kept until the process ends: the garbage collector would go on with them at
# any time.
_PARKED: list[Task] = []
_MAX_WAITS = 100  # of one clean-up


@dataclass(eq=False)
class Task:
    """One actor. `context` is the platform's ActorState."""

    process: str
    greenlet: Any = None
    context: Any = None
    abandoned: bool = False
    place: Callable[[], str] = str  # the line of the function's code that it carries out, as in ` (at app.py:7)`
    # Counts the waits, so that a wake-up meant for an earlier wait is recognised as stale.
    waits: int = 0


@dataclass(eq=False)
class Flag:
    """Tasks wait for it to be set. It stays set until it is cleared."""

    simulation: Simulation
    is_set: bool = False
    _waiting: list[tuple[Task, int]] = field(default_factory=list)

    def set(self) -> None:
        self.is_set = True
        waiting, self._waiting = self._waiting, []
        for task, wait in waiting:
            self.simulation.wake(task, wait)

    def clear(self) -> None:
        self.is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Blocks the current task; returns whether the event is set. The timeout is in seconds."""
        if not self.is_set:
            task = self.simulation.require_task()
            task.waits += 1
            self._waiting.append((task, task.waits))
            if timeout is not None:
                self.simulation.wake(task, task.waits, timeout)
            self.simulation.switch_away()
        return self.is_set


class Stopped(Exception):
    """Why the simulation does not go on: after more steps than `max_steps`, say, it may never become quiet."""


class Simulation:
    """`now` is in microseconds since the simulation began.

    `on_time` is called with it whenever it changes.
    """

    def __init__(
        self,
        max_steps: int,
        on_time: Callable[[int], None] = lambda now: None,
    ) -> None:
        self.now = 0
        self.current: Task | None = None
        self._on_time = on_time
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._scheduled = 0
        self._steps_left = max_steps
        self._hub = greenlet.getcurrent()
        self._thread = threading.get_ident()
        self._tasks: dict[Task, None] = {}  # a dict keeps their order
        self._error: BaseException | None = None
        self._stopped: Stopped | None = None

    def spawn(self, process: str, body: Callable[[], object], context: Any = None, delay: int = 0) -> Task:
        """A new task, which starts after `delay` microseconds. What it raises is raised by `run`."""
        task = Task(process, context=context)
        task.greenlet = greenlet.greenlet(lambda: self._guard(body), parent=self._hub)
        self._tasks[task] = None
        self.at(delay, lambda: self._resume(task))
        return task

    def at(self, delay: int, action: Callable[[], None]) -> None:
        """Runs an action after `delay` microseconds, outside any task."""
        self._scheduled += 1
        heapq.heappush(self._heap, (self.now + max(delay, 0), self._scheduled, action))

    def sleep(self, seconds: float) -> None:
        task = self.require_task()
        task.waits += 1
        self.wake(task, task.waits, seconds)
        self.switch_away()

    def event(self) -> Flag:
        return Flag(self)

    def wake(self, task: Task, wait: int, seconds: float = 0.0) -> None:
        """Resumes a task after so many seconds, unless it has stopped waiting by then."""

        def resume() -> None:
            if task.waits == wait:
                self._resume(task)

        self.at(round(seconds * MICROSECONDS), resume)

    def interrupt(self, task: Task, error: Exception) -> None:
        """Has a task go on with an exception, where it waits."""
        self.at(0, lambda: self._resume(task, error))

    def abandon(self, tasks: Iterable[Task]) -> None:
        """Stops tasks for good: none of their code runs until `close`, which runs their clean-up."""
        for task in tasks:
            task.abandoned = True
            task.waits += 1
        if self.current and self.current.abandoned:
            self.switch_away()

    def end_the_dead(self) -> None:
        """An abandoned task that goes on, in its clean-up at the end of the run, makes no call and leaves no trace."""
        if self.current and self.current.abandoned:
            self.switch_away()

    def switch_away(self) -> None:
        self._hub.switch()

    def fail(self, error: Exception) -> NoReturn:
        """Ends the run with an error, whatever the task that caused it does with exceptions."""
        self._error = error
        if threading.get_ident() == self._thread and self.current:
            self.abandon([self.current])
        raise error

    def stop(self, why: str) -> NoReturn:
        """Ends the run as Stopped: nothing goes on, in any later `run` either."""
        self._stopped = Stopped(why)
        self.fail(self._stopped)

    @property
    def steps_left(self) -> int:
        return self._steps_left

    def require_task(self) -> Task:
        if threading.get_ident() != self._thread:
            what = "a call, a wait or output in another thread than the writer's"
            self.fail(NotImitated(f"{what}: a writer has one thread on the embedded platform"))
        if self.current is None:
            raise RuntimeError("only a task of the simulation can wait")
        return self.current

    def run(self, seconds: float) -> bool:
        """Runs until nothing is scheduled any more (True), or until so many seconds have passed (False)."""
        return self._run(self.now + round(seconds * MICROSECONDS))

    def _run(self, deadline: int) -> bool:
        while self._heap:
            if self._stopped:
                raise self._stopped
            if self._heap[0][0] > deadline:
                self._show(deadline)
                return False
            if self._steps_left == 0:
                raise Stopped("limits.steps was reached")
            self._steps_left -= 1
            time, _, action = heapq.heappop(self._heap)
            self._show(time)
            action()
            if self._error:
                error, self._error = self._error, None
                raise error
        return True

    def close(self) -> None:
        """Ends all tasks by running their clean-up. Where that waits, the wait is ended in the same way."""
        for task in list(self._tasks):
            task.abandoned = True
            self.current = task
            waits = 0
            while task.greenlet and not task.greenlet.dead and waits < _MAX_WAITS:
                task.greenlet.throw()
                waits += 1
            _PARKED.extend([task] if task.greenlet and not task.greenlet.dead else [])
        self.current = None
        self._tasks.clear()
        self._heap.clear()

    def _show(self, time: int) -> None:
        if time != self.now:
            self.now = time
            self._on_time(time)

    def _resume(self, task: Task, error: Exception | None = None) -> None:
        if task.abandoned or task.greenlet.dead:
            return
        task.waits += 1
        self.current = task
        if error is None:
            task.greenlet.switch()
        else:
            task.greenlet.throw(error)
        self.current = None
        if task.greenlet.dead:
            del self._tasks[task]

    def _guard(self, body: Callable[[], object]) -> None:
        try:
            body()
        except greenlet.GreenletExit:
            pass
        except BaseException as error:
            self._error = error
