"""The matrix: writers x consumers x faults x sinks, and of each cell how often its effects take place.

cells        the consumers and faults on the axes, which cells are wanted, and the scenario that a cell is
player       plays a cell, seed after seed, until enough is known of what may be claimed of it
report       the whole as JSON, and as others read it
"""
