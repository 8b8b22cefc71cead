"""The threads of a function's process as tasks: one runs at a time, and the run's time and seed say which is next.

They are real threads, so that everything of Python's that belongs to a thread works. Each has a baton, and runs only
while it holds it. A task gives it up where it would block: at a lock, a sleep, a selector, or a call of AWS. When none
can go on, the run is told, and answers when the run's time has come to something.

`install` replaces what `_thread` offers, so it comes before all that imports `threading`.
"""

from __future__ import annotations

import _thread
import random
import select
import selectors
import sys
from collections.abc import Callable
from typing import Any

_allocate, _start = _thread.allocate_lock, _thread.start_new_thread
_select, _poll = select.select, select.poll
_SHORTEST = 1  # microsecond: the clock's resolution. A wait of less would be repeated for ever.


class FunctionThread:
    """`ready` and `deadline` (microseconds, or None) say when it goes on."""

    def __init__(self) -> None:
        self.baton = _allocate()
        self.baton.acquire()
        self.finished = False
        self.ready: Callable[[], bool] = _always
        self.deadline: int | None = None

    def can_go_on(self, now: int) -> bool:
        return (self.deadline is not None and self.deadline <= now) or self.ready()


def _always() -> bool:
    return True


def _never() -> bool:
    return False


class Tasks:
    """`turn` lets the run go on until a reply comes or its argument's time, and returns the new time, in microseconds.

    Both are None until the process has a run.
    """

    def __init__(self) -> None:
        self.turn: Callable[[int | None], int] | None = None
        self.now = 0
        self.current = FunctionThread()
        self.chance = random.Random(0)
        self._tasks: dict[FunctionThread, None] = {self.current: None}  # a dict keeps their order

    def wait(self, ready: Callable[[], bool], seconds: float | None = None) -> bool:
        """Blocks the current task until it is ready, at most so long. Returns whether it is."""
        if ready():
            return True
        task = self.current
        task.ready = ready
        task.deadline = None if seconds is None else self.now + max(round(seconds * 1e6), _SHORTEST)
        if self._hand_on() is not task:
            task.baton.acquire()
        return ready()

    def start(self, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> int:
        """A new task, in a thread of its own. Returns the thread's identifier."""
        task = FunctionThread()
        thread = getattr(function, "__self__", None)
        if thread is not None:
            thread._task = task

        def run() -> None:
            task.baton.acquire()
            try:
                function(*arguments, **named)
            finally:
                task.finished = True
                del self._tasks[task]
                self._hand_on()

        self._tasks[task] = None
        return _start(run, ())

    def sleep(self, seconds: float, /) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.wait(_never, seconds)

    def _hand_on(self) -> FunctionThread:
        """Gives the baton to a task that can go on, and returns it. It may be the current one, which holds it."""
        while not (ready := [task for task in self._tasks if task.can_go_on(self.now)]):
            if self.turn is None:
                raise RuntimeError("a wait that nothing ends")
            ends = [task.deadline for task in self._tasks if task.deadline is not None]
            self.now = self.turn(min(ends, default=None))
        following = ready[0] if len(ready) == 1 else self.chance.choice(ready)
        following.deadline = None
        previous, self.current = self.current, following
        if following is not previous:
            following.baton.release()
        return following


TASKS = Tasks()


class Lock:
    """`threading.Lock`, among tasks."""

    def __init__(self) -> None:
        self._held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._held:
            if not blocking:
                return False
            if not TASKS.wait(self._is_free, None if timeout < 0 else timeout):
                return False
        self._held = True
        return True

    def release(self) -> None:
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self) -> bool:
        return self._held

    def _is_free(self) -> bool:
        return not self._held

    def _at_fork_reinit(self) -> None:
        self._held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _start_new_thread(function: Any, arguments: Any, named: Any = None, /) -> int:
    return TASKS.start(function, tuple(arguments), named or {})


def _start_joinable_thread(function: Any, handle: Any = None, daemon: bool = True) -> Any:
    TASKS.start(function, (), {})
    return handle


def install() -> None:
    """For good, before `threading` is imported: it takes what it builds on from `_thread` then."""
    if "threading" in sys.modules:
        raise RuntimeError("threading was imported before its tasks")
    _thread.allocate_lock = _thread.allocate = Lock  # type: ignore[assignment]
    _thread.start_new_thread = _thread.start_new = _start_new_thread
    if hasattr(_thread, "start_joinable_thread"):  # Python 3.13 and later
        _thread.start_joinable_thread = _start_joinable_thread
    import queue
    import threading

    threading._CRLock = None  # type: ignore[attr-defined]  # then threading builds it on its Lock
    queue.SimpleQueue = queue._PySimpleQueue  # type: ignore[attr-defined, misc]
    _install_threads(threading.Thread)
    select.select = _waiting_select
    select.poll = _WaitingPoll  # type: ignore[assignment, misc]
    _install_selectors()


def _install_threads(thread_class: Any) -> None:
    join, is_alive = thread_class.join, thread_class.is_alive

    def joined(thread: Any, timeout: float | None = None) -> None:
        task = getattr(thread, "_task", None)
        if task is None or task is TASKS.current:
            join(thread, timeout)  # which says what is wrong with that
        else:
            TASKS.wait(lambda: task.finished, timeout)

    def alive(thread: Any) -> bool:
        task = getattr(thread, "_task", None)
        return bool(is_alive(thread)) if task is None else not task.finished

    thread_class.join, thread_class.is_alive = joined, alive


def _waiting_select(readable: Any, writable: Any, exceptional: Any, timeout: float | None = None, /) -> Any:
    found: list[Any] = [[], [], []]

    def ready() -> bool:
        found[:] = _select(readable, writable, exceptional, 0)
        return any(found)

    _wait_for(ready, timeout)
    return tuple(found)


class _WaitingPoll:
    """`select.poll()`: its timeout is in milliseconds."""

    def __init__(self) -> None:
        self._poll = _poll()

    def poll(self, timeout: float | None = None, /) -> Any:
        found: list[Any] = []

        def ready() -> bool:
            found[:] = self._poll.poll(0)
            return bool(found)

        _wait_for(ready, None if timeout is None or timeout < 0 else timeout / 1000)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poll, name)


def _install_selectors() -> None:
    """asyncio waits in one: nothing wakes it but time, another task, or what the run serves."""
    original = selectors.DefaultSelector.select

    def select_in_time(selector: Any, timeout: float | None = None) -> Any:
        found: list[Any] = []

        def ready() -> bool:
            found[:] = original(selector, 0)
            return bool(found)

        _wait_for(ready, timeout)
        return found

    selectors.DefaultSelector.select = select_in_time  # type: ignore[method-assign, assignment]


def _wait_for(ready: Callable[[], bool], timeout: float | None) -> None:
    if timeout is not None and timeout <= 0:
        ready()
    else:
        TASKS.wait(ready, timeout)
