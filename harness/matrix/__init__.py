"""The matrix: writers x consumers x faults x sinks, and of each cell how often its effects take place.

selection    which cells there are, and which of them are wanted
cells        one cell, the faults that it may have, and the scenario that it is
consumers    the handlers of lambda/, and where each of them lets its effects land
player       plays a cell, seed after seed, until enough is known
tally        what the runs of a cell show, and what may be claimed of it
document     the whole as JSON;  markdown, report: as others read it
"""
