"""Where a run takes place, and what follows from it."""

from __future__ import annotations

import os

from harness.platforms import AWS, EMBEDDED, LOCALSTACK
from harness.platforms.target import Target


def test_runs_that_wait_for_a_platform_go_two_for_each_core():
    """On the embedded platform a run never waits; elsewhere half of it is waiting."""
    cores = os.cpu_count()
    assert Target(EMBEDDED).side_by_side == cores
    assert {Target(platform).side_by_side for platform in (LOCALSTACK, AWS)} == {2 * cores}
