"""The pipeline under test: from a CloudFormation or SAM template to a Stack, and from a handler to its zip."""
