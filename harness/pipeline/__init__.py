"""The pipeline under test: a CloudFormation or SAM template becomes a Stack, and a handler becomes its zip.

`template` reads the resources: `sam` translates first, `intrinsics` resolves names and functions, and `properties`
checks each resource. `stack` and `resources` hold the values, also those that say which intent an item or a row is
about, and the settings of the event source mapping. `package` makes the zip of the handler's sources and of what they
need, its `dependencies`. Begin with `stack`.
"""
