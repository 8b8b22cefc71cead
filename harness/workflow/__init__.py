"""The user's own stack, without faults: made from the template, compared, deployed, filled, watched and removed.

`stack` makes what CloudFormation is asked for, `deployment` carries it out as a change set, `loading` fills a table,
`watch` reports files that change, and `init` writes the first scenario. Begin with `stack`.
"""
