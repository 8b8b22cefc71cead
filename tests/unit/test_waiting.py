"""Ctrl-C waits where it is held back, and nowhere else; and who waits for a turn is not overtaken."""

from __future__ import annotations

import fcntl
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.waiting import held_back, turn


def test_ctrl_c_comes_when_the_block_is_over() -> None:
    """All of the block is done before the interrupt is raised."""
    done = []

    def block() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == ["the rest"]


def test_a_second_ctrl_c_comes_at_once() -> None:
    """Who insists need not wait."""
    done = []

    def block() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("the rest")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == []


def test_an_error_of_the_block_is_kept() -> None:
    """Without Ctrl-C the block's own error is raised, and the handler is the former one."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="its own"), held_back():
        raise ValueError("its own")
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_has_nothing_to_hold_back() -> None:
    """Where no signal arrives, the block just runs."""
    done = []

    def block() -> None:
        with held_back():
            done.append(True)

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_turn_is_held_with_others_or_alone(tmp_path: Path) -> None:
    """Two hold it together; who wants it alone waits for both, and those that come later wait for that one."""
    file, events = tmp_path / "turn", []

    def take(name: str, alone: bool) -> threading.Thread:
        def hold() -> None:
            with turn(file, alone, 10):
                events.append(name)

        thread = threading.Thread(target=hold)
        thread.start()
        return thread

    with ExitStack() as together:
        for _ in range(2):
            together.enter_context(turn(file, False, 10))
        with pytest.raises(TimeoutError, match="another process has held"), turn(file, True, 0):
            pass
        alone = take("alone", True)
        while not _is_locked(file.with_suffix(".queue")):
            pass
        later = take("later", False)
        assert events == []
    alone.join()
    later.join()
    assert events == ["alone", "later"]


def _is_locked(file: Path) -> bool:
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
