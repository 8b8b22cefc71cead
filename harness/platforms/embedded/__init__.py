"""The embedded platform: the pipeline in virtual time, with AWS's services imitated, and its function in processes.

Start with `platform`, which puts it together and carries each request to its service. `simulation` is the scheduler,
`actors` are its tasks, `environment` starts the function's processes, and `lockstep` lets one of them and the
simulation run in turns. `services` are the imitated parts of AWS.
"""
