"""Everything that touches Ray, and nothing else: the cluster, the feature shards, training, search, compare.

No other package imports Ray; what runs on the actors are functions of `raydist.neighbours` and
`raydist.engine`.
"""
