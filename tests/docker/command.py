"""`python -m harness …` as a user calls it, and what a LocalStack there is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from harness.localstack.health import local

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 300
# A container that stands still lets a request wait for its answer; nothing is to try again.
IMPATIENT = Config(read_timeout=1, retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Harness:
    """With a cache of its own it sees no other runtime of this machine than Docker's."""

    cache: Path

    def __call__(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness", *map(str, words)],
            cwd=ROOT,
            env={**os.environ, "HARNESS_CACHE": str(self.cache)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )


def dynamodb(port: int) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=local(port),
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=IMPATIENT,
    )
