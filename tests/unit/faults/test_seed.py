"""All chance follows from one integer, by keys."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from harness.faults.points import Seed

SEEDS = st.integers(0, 2**63)
KEYS = st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=4)


@given(SEEDS, KEYS)
def test_a_draw_depends_on_the_seed_and_the_key_alone(seed: int, key: list[object]) -> None:
    """In [0, 1), whatever else was drawn before, here or from Python's own generator."""
    alone = Seed(seed).draw(*key)
    other = Seed(seed)
    other.draw("something", "else")
    random.random()
    assert other.draw(*key) == alone
    assert 0 <= alone < 1


@given(SEEDS, st.integers(-1000, 1000), st.integers(0, 1000))
def test_a_whole_number_is_between_its_bounds(seed: int, low: int, more: int) -> None:
    """Both included."""
    assert low <= Seed(seed).between(low, low + more, "key") <= low + more


def test_both_bounds_are_drawn() -> None:
    """Every number of a small span turns up."""
    assert {Seed(1).between(0, 3, number) for number in range(100)} == {0, 1, 2, 3}


def test_keys_do_not_run_together() -> None:
    """("a", "bc") is another key than ("ab", "c"), and 1 than 1, 1."""
    keys = [("a", "bc"), ("ab", "c"), ("abc",), (1,), (1, 1), (11,), ()]
    assert len({Seed(7).draw(*key) for key in keys}) == len(keys)
    assert len({Seed(seed).draw("a") for seed in range(100)}) == 100


def test_a_draw_is_the_same_for_ever() -> None:
    """Seeds in scenarios, reports and bug reports mean the same in every version and in every process."""
    assert Seed(7).draw("actor", "writer/0") == 0.5499616073393544
    assert Seed(7).between(500, 3000, "latency", "writer/0", 1) == 872


def test_a_generator_of_its_own_draws_a_sequence() -> None:
    """Equal for equal keys, and apart for others."""
    first, again, other = (Seed(3).random("actor", name) for name in ("a", "a", "b"))
    draws = [[generator.random() for _ in range(5)] for generator in (first, again, other)]
    assert draws[0] == draws[1] != draws[2]


@given(st.integers(1, 10_000))
def test_draws_are_even(seed: int) -> None:
    """Of 400 draws about half are below one half."""
    below = sum(Seed(seed).draw("coin", number) < 0.5 for number in range(400))
    assert 120 < below < 280
