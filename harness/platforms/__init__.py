"""The platforms that a run can take place on."""

from harness.platforms.aws import Aws
from harness.platforms.embedded import Embedded
from harness.platforms.localstack import LocalStack

PLATFORMS: dict[str, type[Embedded] | type[LocalStack] | type[Aws]] = {
    "aws": Aws,
    "embedded": Embedded,
    "localstack": LocalStack,
}
