"""How long it takes and how much memory: the clustering, against the dense way of the field; the training of encoders; and
what both would cost at other sizes.

Every side is measured in a process of its own, in CPU seconds of all its threads beside seconds on the wall.
"""
