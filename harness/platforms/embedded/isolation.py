"""Replaces parts of Python for a run: time, random numbers, botocore's pauses, output, and the process itself.

On Lambda a handler has a process of its own; here it shares this one with the harness. Each part is a context that
replaces functions of Python and puts them back in the end.
"""

from __future__ import annotations

import functools
import logging
import os
import random
import selectors
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import FrameType, SimpleNamespace
from typing import Any, NoReturn, Self, TextIO
from unittest.mock import patch

import greenlet
import time_machine
from botocore.retries import bucket
from botocore.retries.standard import ExponentialBackoff

from harness.errors import NotImitated
from harness.platforms.embedded.actors import Actors
from harness.platforms.embedded.simulation import EPOCH, EPOCH_MICROSECONDS, Simulation, Task

_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
# Events of https://docs.python.org/3/library/audit_events.html: to the network, and to another process.
_ANOTHER_THREAD = "a thread"
_WAYS_OUT = frozenset(
    {
        _ANOTHER_THREAD,
        *("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"),
        *("os.fork", "os.posix_spawn", "os.system", "subprocess.Popen"),
    }
)
_marked: set[threading.Thread] = set()  # the threads that handlers have started, while they live
_THREAD_LOOKS, _LOOK_SECONDS = 1000, 0.01  # of real time, for a thread that is about to end
SPIN_SECONDS = 10
_FOR_EVER_SECONDS = 365 * 24 * 3600.0  # until the function's timeout
_SHORTEST_SECONDS = 1e-6  # the clock's resolution: a shorter wait would not advance it, and be repeated for ever


@contextmanager
def _replaced(owner: object, **values: Any) -> Iterator[None]:
    with ExitStack() as exits:
        for name, value in values.items():
            exits.enter_context(patch.object(owner, name, value))
        yield


class VirtualClock:
    """A context in which `time` and `datetime` show the run's time, and `time.sleep` waits in it.

    No two readings are equal, as on Lambda: a reading is a microsecond later than the one before, if time stands still.
    time-machine serves the wall clocks, `datetime` included; the monotonic ones, which it leaves alone, are replaced.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._microseconds = 0
        self._last = -1  # reading

    def show(self, microseconds: int) -> None:
        """Sets all clocks to so many microseconds after the run began."""
        self._microseconds = microseconds

    def _read(self) -> int:
        self._last = max(self._microseconds, self._last + 1)
        return self._last

    def __enter__(self) -> Self:
        def seconds() -> float:
            return self._read() / 1e6

        def nanoseconds() -> int:
            return self._read() * 1000

        self._exits = ExitStack()
        traveller: Any = self._exits.enter_context(time_machine.travel(EPOCH, tick=False))
        traveller.time_ns = lambda: (
            (EPOCH_MICROSECONDS + self._read()) * 1000
        )  # all that time-machine shows is made of it
        monotonic = {"monotonic": seconds, "monotonic_ns": nanoseconds}
        counter = {"perf_counter": seconds, "perf_counter_ns": nanoseconds}
        self._exits.enter_context(_replaced(time, sleep=self._sleep, **monotonic, **counter))
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()


@contextmanager
def owned_chance(current: Callable[[], random.Random]) -> Iterator[None]:
    """`random`, `uuid4`, `secrets` and `os.urandom` draw from the current actor's generator.

    Each actor has its own, so one more draw by one of them changes nothing for the others.
    """
    owned, shared = _Current(current), random._inst
    functions = {
        name: getattr(owned, name)
        for name in random.__all__
        if getattr(getattr(random, name), "__self__", None) is shared
    }

    def urandom(size: int, /) -> bytes:
        return current().randbytes(size)

    # Code that took a function of Python's generator before the run still draws from it: from the run's seed.
    state = shared.getstate()
    shared.seed(current().getrandbits(64))
    try:
        with (
            _replaced(random, _urandom=urandom, **functions),  # SystemRandom's and so secrets' source
            _replaced(os, urandom=urandom),  # uuid4's source
            _replaced(uuid, uuid1=uuid.uuid4),  # would show this machine's address
        ):
            yield
    finally:
        random.setstate(state)


class _Current(random.Random):
    """Passes every draw on to the generator of the current actor."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        self._current = current
        super().__init__()

    def random(self) -> float:
        return self._current().random()

    def getrandbits(self, k: int, /) -> int:
        return self._current().getrandbits(k)

    def seed(self, *arguments: Any, **named: Any) -> None:
        """Ignored: the run's seed stays in force."""


@contextmanager
def owned_pauses() -> Iterator[None]:
    """The pauses of botocore's newer retry modes, for clients that are made in this context.

    Standard mode draws from `random.random` as it was when botocore was imported: here it looks the function up when
    it draws. Adaptive mode waits for its token bucket on a lock, in real time: here in the time of `time.sleep`.
    """
    initialise: Any = ExponentialBackoff.__init__
    early = random._inst.random
    defaults = tuple((lambda: random.random()) if each == early else each for each in initialise.__defaults__)
    replacement = SimpleNamespace(Lock=threading.Lock, Condition=_Condition)
    with _replaced(initialise, __defaults__=defaults), _replaced(bucket, threading=replacement):
        yield


@contextmanager
def owned_pools(actors: Actors) -> Iterator[None]:
    """The pool of an actor carries out each task when it is submitted: one after another, in that order."""
    original = ThreadPoolExecutor.submit

    def submit(pool: ThreadPoolExecutor, task: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        if not actors.inside() or pool._shutdown:
            return original(pool, task, *arguments, **named)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(task(*arguments, **named))
        except greenlet.GreenletExit:
            raise
        except BaseException as error:
            future.set_exception(error)
        return future

    with _replaced(ThreadPoolExecutor, submit=submit):
        yield


@contextmanager
def owned_waits(actors: Actors) -> Iterator[None]:
    """An event loop of an actor waits in the run's time: nothing else than time, or the actor, can wake it.

    asyncio ends its pool in a thread of its own, which takes no time of the run.
    """
    original = selectors.DefaultSelector.select

    def select(selector: selectors.DefaultSelector, timeout: float | None = None) -> Any:
        if not actors.inside():
            return original(selector, timeout)
        ready = original(selector, 0)
        for _ in range(_THREAD_LOOKS):
            if ready or not _marked:
                break
            ready = original(selector, _LOOK_SECONDS)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        actors.sleep(_FOR_EVER_SECONDS if timeout is None else max(timeout, _SHORTEST_SECONDS))
        return original(selector, 0)

    with _replaced(selectors.DefaultSelector, select=select):
        yield


@contextmanager
def spinning_ends(simulation: Simulation, place_of: Callable[[FrameType | None], str]) -> Iterator[None]:
    """A task that computes for SPIN_SECONDS of processor time without any call ends the run: it would last for ever.

    Only the main thread hears of signals; elsewhere nothing is noticed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    task: Task | None = None
    steps = ticks = 0

    def tick(number: int, frame: FrameType | None) -> None:
        nonlocal task, steps, ticks
        ticks = ticks + 1 if (task, steps) == (simulation.current, simulation.steps_left) else 0
        task, steps = simulation.current, simulation.steps_left
        if task and ticks >= SPIN_SECONDS:
            simulation.stop(f"{task.process} computed for {SPIN_SECONDS} s without any call{place_of(frame)}")

    before = signal.signal(signal.SIGPROF, tick)
    signal.setitimer(signal.ITIMER_PROF, 1, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class _Condition(threading.Condition):
    """Waits in the time of `time.sleep`, to the end: a client belongs to one process, so that nobody else notifies."""

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        time.sleep(max(timeout or 0, _SHORTEST_SECONDS))
        self.acquire()
        return True


@contextmanager
def confined(actors: Actors, place_of: Callable[[FrameType | None], str]) -> Iterator[None]:
    """An actor's `print` goes to the run's log, its `os._exit` ends its execution, and what leads out is refused.

    Nothing else would notice a connection that bypasses the wire, or a process that plays the run on. For the harness
    these functions work as usual. place_of: the line of the function's code in a stack.
    """

    def check_kill(pid: int, number: int) -> None:
        if pid == os.getpid():
            actors.end(f"signal {signal.Signals(number).name}")

    process = {
        "_exit": _with_check(actors, os._exit, lambda status: actors.end(f"exit status {status}")),
        "abort": _with_check(actors, os.abort, lambda: actors.end("aborted")),
        "kill": _with_check(actors, os.kill, check_kill),
    }
    output = {name: _Output(getattr(sys, name), actors) for name in ("stdout", "stderr")}
    with (
        _replaced(os, **process),
        _replaced(sys, **output),
        _ways_out_refused(actors, place_of),
        _strays_marked(actors),
    ):
        yield


def _with_check(actors: Actors, original: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    def checked(*arguments: Any, **named: Any) -> Any:
        if actors.inside():
            check(*arguments)
        return original(*arguments, **named)

    return checked


@contextmanager
def _ways_out_refused(actors: Actors, place_of: Callable[[FrameType | None], str]) -> Iterator[None]:
    def refuse(what: str, why: str) -> NoReturn:
        actors.refuse(NotImitated(f"{what}: {why}{place_of(sys._getframe())}"))

    def check_connect(connection: socket.socket, address: Any) -> None:
        refuse(f"a connection to {address}", "only AWS calls by boto3 are imitated")

    def check_name(host: Any, *_: Any) -> None:
        refuse(f"a look-up of {host}", "only AWS calls by boto3 are imitated")

    def check_fork() -> None:
        refuse("a fork", "an actor of the embedded platform has no process of its own, and a child would play the run")

    connections = {
        name: _with_check(actors, getattr(socket.socket, name), check_connect) for name in ("connect", "connect_ex")
    }
    names = {name: _with_check(actors, getattr(socket, name), check_name) for name in _LOOK_UPS}
    fork = _with_check(actors, os.fork, check_fork)
    with _replaced(socket.socket, **connections), _replaced(socket, **names), _replaced(os, fork=fork):
        yield


@contextmanager
def _strays_marked(actors: Actors) -> Iterator[None]:
    """A thread that outlives its run would reach AWS with the user's own keys: it is known for as long as it lives."""
    _guard_strays()
    start = threading.Thread.start
    over = threading.Event()

    def start_marked(thread: threading.Thread) -> None:
        if actors.inside():
            _mark(thread, over)
        start(thread)

    with _replaced(threading.Thread, start=start_marked):
        try:
            yield
        finally:
            over.set()


def _mark(thread: threading.Thread, over: threading.Event) -> None:
    run = thread.run

    def run_marked() -> None:
        try:
            run()
        except BaseException:
            if not over.is_set():  # else the log that its traceback belongs to is closed
                raise
        finally:
            _marked.discard(thread)

    _marked.add(thread)
    thread.daemon = True  # it ends with the process, as on Lambda: Python waits for the others before it ends
    thread.run = run_marked  # type: ignore[method-assign]


@functools.cache
def _guard_strays() -> None:
    """A marked thread reaches nothing outside and starts no other, as long as Python runs."""
    start = threading.Thread.start

    def check(event: str, arguments: tuple[Any, ...] = ()) -> None:
        if event in _WAYS_OUT and threading.current_thread() in _marked:
            raise NotImitated(f"{event} in a thread of the function: an actor of the embedded platform has one")

    def checked_start(thread: threading.Thread) -> None:
        check(_ANOTHER_THREAD)
        start(thread)

    sys.addaudithook(check)  # for good: a hook cannot be taken away
    threading.Thread.start = checked_start  # type: ignore[method-assign, assignment]


@contextmanager
def owned_logging() -> Iterator[None]:
    """What handlers set up in `logging` ends with the run: its streams are the run's. The root logger begins anew."""
    fresh: tuple[list[logging.Handler], int, bool, bool] = ([], logging.NOTSET, True, False)
    before = {each: (each.handlers[:], each.level, each.propagate, each.disabled) for each in _loggers()}
    logging.root.handlers = []
    try:
        yield
    finally:
        for logger in _loggers():
            handlers, level, logger.propagate, logger.disabled = before.get(logger, fresh)
            logger.handlers = handlers[:]
            logger.setLevel(level)


def _loggers() -> list[logging.Logger]:
    named = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in named if isinstance(each, logging.Logger))]


class _Output:
    """Standard output or error: an actor's goes to the log of the run."""

    def __init__(self, original: TextIO, actors: Actors) -> None:
        self._original = original
        self._actors = actors

    def write(self, text: str) -> int:
        if not self._actors.inside():
            return self._original.write(text)
        self._actors.log(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
