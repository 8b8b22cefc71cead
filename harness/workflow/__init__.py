"""The user's own stack, without faults: made from the template, compared, deployed, filled, watched and removed.

`stack` makes what CloudFormation is asked for, reports files that change, and fills a table; `deployment` carries it
out as a change set, and `init` writes the first scenario. Begin with `stack`.
"""
