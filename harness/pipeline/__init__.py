"""The pipeline under test: a CloudFormation or SAM template becomes a Stack, and a handler becomes its zip.

`template` reads the resources: `sam` translates first, `scope` and `intrinsics` resolve names and functions, and
`properties` checks each resource. `stack` and `resources` hold the values, `mapping` the settings of the event source
mapping, and `attribution` says which intent an item or a row is about. `package` makes the zip, of what `imports` reads
in the handler's sources and of what `requirements` installs. Begin with `stack`.
"""
