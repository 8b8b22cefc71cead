"""Ctrl-C waits where it is held back, and nowhere else."""

from __future__ import annotations

import signal
import threading

import pytest

from harness.waiting import held_back


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
