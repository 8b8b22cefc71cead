"""The remote platforms, LocalStack and AWS: a run deploys its pipeline as a CloudFormation stack at an endpoint.

`platform` is their common base and tells the story; `run_stack` is what is deployed, `mappings` who delivers,
`executions` what is known of the function, `threads` the processes of the run, `cleanup` what removes the rest of
killed runs.
"""
