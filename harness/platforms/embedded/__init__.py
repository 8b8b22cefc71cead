"""The embedded platform: the whole pipeline in this process, in virtual time, with AWS's services imitated.

Start with `platform`, which puts it together and carries each request to its service. `simulation` is the scheduler,
`actors` are its tasks, `environment` holds the function's modules, `isolation` replaces Python's clocks and random
numbers, `services` are the imitated parts of AWS.
"""
