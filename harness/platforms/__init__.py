"""The platforms that a run can take place on."""

from harness.platforms.embedded import Embedded
from harness.platforms.localstack import LocalStack

PLATFORMS: dict[str, type[Embedded] | type[LocalStack]] = {"embedded": Embedded, "localstack": LocalStack}
