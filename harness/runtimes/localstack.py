"""Which LocalStack, and how it is set up, whatever runs it."""

from __future__ import annotations

VERSION = "4.14.0"  # the last one that runs without an account token
IMAGE = f"localstack/localstack:{VERSION}"
PORT = 4566
SERVICES = "cloudformation,cloudwatch,dynamodb,dynamodbstreams,iam,kinesis,lambda,logs,s3,sns,sqs,ssm,sts"
SETTINGS = {
    "SERVICES": SERVICES,
    # Only this provider's stream records are those of DynamoDB Local; the other loses and doubles some (G-20...G-25).
    "PROVIDER_OVERRIDE_DYNAMODB": "v2",
    "DYNAMODB_IN_MEMORY": "1",
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.03",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.2",
    # CloudFormation asks so often whether a function is ready before it asks once a second only.
    "CFN_NO_WAIT_ITERATIONS": "100",
    # Otherwise each message that is received or looked for is a metric: a second request.
    "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
    "DISABLE_EVENTS": "1",
    "KINESIS_LATENCY": "0",  # of making and deleting a stream, in milliseconds
}
NO_TOKEN = 55  # the exit code of later versions when LOCALSTACK_AUTH_TOKEN is missing
