"""Ways to run LocalStack here."""

from harness.runtimes.base import Runtime
from harness.runtimes.compose import Compose
from harness.runtimes.host import Host

RUNTIMES: dict[str, type[Runtime]] = {"compose": Compose, "host": Host}
