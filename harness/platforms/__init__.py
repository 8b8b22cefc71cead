"""Where a pipeline can live: in this process (embedded), on a LocalStack, or on AWS.

`base` is the contract of a platform; `target` says which one, at which address, and what it cannot run.
"""

from typing import Any

from harness.lazy_table import LazyTable

EMBEDDED, LOCALSTACK, AWS = "embedded", "localstack", "aws"
# Each class is imported when it is looked up: the names alone need neither boto3 nor moto.
PLATFORMS: LazyTable[Any] = LazyTable(
    {
        EMBEDDED: "harness.platforms.embedded.platform:Embedded",
        LOCALSTACK: "harness.platforms.deployed.localstack:LocalStack",
        AWS: "harness.platforms.deployed.platform:Aws",
    }
)
