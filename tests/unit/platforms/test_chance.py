"""The run owns chance, and gives it back."""

from __future__ import annotations

import os
import random
import secrets
import uuid
from random import random as taken_before

from harness.faults.points import Seed
from harness.platforms.embedded.actors import owned_chance


def draws() -> list[object]:
    return [
        random.random(),
        random.uniform(1, 2),
        random.randint(0, 10**9),
        random.choice(range(10**6)),
        random.sample(range(10**6), 3),
        random.gauss(0, 1),
        random.getrandbits(64),
        random.randbytes(8),
        random.SystemRandom().random(),
        os.urandom(8),
        secrets.token_hex(8),
        uuid.uuid4(),
        uuid.uuid1(),
        taken_before(),
    ]


def owned(seed: int) -> list[object]:
    generator = Seed(seed).random("actor")
    with owned_chance(lambda: generator):
        return draws()


def test_every_source_of_chance_follows_from_the_seed() -> None:
    """`random`, `secrets`, `os.urandom`, `uuid1` and `uuid4` give the same for a seed, and something else for another;
    so does a function of `random` that was taken before the run began."""
    assert owned(1) == owned(1)
    assert all(one != other for one, other in zip(owned(1), owned(2), strict=True))


def test_a_program_that_seeds_does_not_get_to_choose() -> None:
    """`random.seed` has no effect while a run lasts: the run's seed stays in force."""
    generator = Seed(1).random("actor")
    with owned_chance(lambda: generator):
        random.seed(5)
        first = random.random()
        random.seed(5)
        assert random.random() != first


def test_each_actor_draws_from_its_own_generator() -> None:
    """One more draw here changes nothing there."""
    actors = {name: Seed(1).random("actor", name) for name in ("a", "b")}
    alone = Seed(1).random("actor", "b").random()
    current = "a"
    with owned_chance(lambda: actors[current]):
        random.random()
        current = "b"
        assert random.random() == alone


def test_chance_is_given_back() -> None:
    """After a run everything is as it was: the functions, and where Python's own generator stood."""
    before = [random.random, random.seed, os.urandom, uuid.uuid1, random._urandom]
    random.seed(3)
    expected = [random.random(), random.random()]
    random.seed(3)
    first = random.random()
    owned(1)
    assert [first, random.random()] == expected
    assert [random.random, random.seed, os.urandom, uuid.uuid1, random._urandom] == before
