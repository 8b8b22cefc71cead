"""The reference of a run on a deployed platform that the embedded one cannot play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import NotImitated
from harness.history import FAIL, Operation
from harness.jobs import Job, jobs_of
from harness.platforms import EMBEDDED
from harness.platforms.target import Target
from harness.reference import reference

SCENARIO = Path(__file__).parents[2] / "scenarios" / "duplicate_put.yaml"


def test_it_has_a_stack_of_its_own_and_is_not_kept_when_its_platform_is_lost() -> None:
    """The run's own stack may still be on its way out; and the next run asks again."""
    job = jobs_of([SCENARIO], target=Target("localstack", "http://127.0.0.1:1"))[0]
    names = []

    def play(played: Job) -> Sequence[Operation]:
        if played.target.platform == EMBEDDED:
            raise NotImitated("it has no such call")
        names.append(played.stack.name)
        return [Operation(0, 0, "platform", FAIL, "lost", {"phase": "drive"}, "it is gone")]

    for _ in range(2):
        facts = reference(job, play)
        assert facts
        assert (facts["verdict"], facts["why"]) == ("unknown", "it could not be played: it is gone")
    assert len({job.stack.name, *names}) == 3
