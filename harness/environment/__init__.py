"""What runs inside an execution environment of the embedded platform: a function's process, in lockstep with the run.

It speaks the protocol of `conversation.py` with the run, which is in another process. Of the harness it imports the
agent alone. Start to read at `program.py`.
"""
