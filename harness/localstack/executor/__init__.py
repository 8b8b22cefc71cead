"""The LocalStack plugin of the host runtime: functions as child processes, everything on 127.0.0.1.

`up` copies this folder next to LocalStack as the package `harness_executor`; it imports nothing of harness.
"""
