"""Where a pipeline can live: in this process (embedded), on a LocalStack, or on AWS.

`base` is the contract, and looks the implementation up; `target` says which of them, and at which address.
"""

EMBEDDED, LOCALSTACK, AWS = "embedded", "localstack", "aws"
# Each class is imported when it is used: the names alone need neither boto3 nor moto.
PLATFORMS = {
    EMBEDDED: "harness.platforms.embedded.platform:Embedded",
    LOCALSTACK: "harness.platforms.deployed.localstack:LocalStack",
    AWS: "harness.platforms.deployed.aws:Aws",
}
