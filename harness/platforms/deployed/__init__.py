"""The remote platforms, LocalStack and AWS: a run deploys its pipeline as a CloudFormation stack at an endpoint.

Start with `platform`, their common base, which deploys, waits and deletes. `run_stack` makes the template that is
deployed and removes what killed runs left, `mappings` are the two event source mappings, `executions` reads the
function's history, and `threads` runs writers and dispatcher.
"""
