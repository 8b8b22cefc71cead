"""The AWS services that the embedded platform imitates: DynamoDB, Streams, Kinesis, Lambda; SQS, SNS and S3 by moto."""
