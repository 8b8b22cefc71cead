"""The platforms that a run can take place on."""

from harness.platforms.deployed.aws import Aws
from harness.platforms.deployed.localstack import LocalStack
from harness.platforms.embedded import Embedded

PLATFORMS: dict[str, type[Embedded] | type[LocalStack] | type[Aws]] = {
    "aws": Aws,
    "embedded": Embedded,
    "localstack": LocalStack,
}
