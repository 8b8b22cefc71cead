"""The platforms, by their words in scenarios, options and run folders."""

EMBEDDED, LOCALSTACK, AWS = "embedded", "localstack", "aws"
PLATFORM_NAMES = (EMBEDDED, LOCALSTACK, AWS)
