"""The remote platforms, LocalStack and AWS: a run deploys its pipeline as a CloudFormation stack at an endpoint.

Start with `platform`, their common base, which deploys, waits and deletes. `run_stack` makes the template that is
deployed, `cloudformation` also removes what killed runs left, `mappings` are the two event source mappings with the
history of the function's executions, and `threads` runs writers and dispatcher.
"""
