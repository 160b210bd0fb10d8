"""Exact search for nearest neighbours. Start reading at `lists`.

- `lists`: the entry: neighbours of a table in itself, of two shards in each other, of queries in a shard.
- `view_nearest`: the most similar row of every camera view.
- `backends`: searches as a Jaccard distance calls them; `approximate`: the inverted file behind one of them.
- `options`, `rows`, `ranked`, `report`: what these functions take and return; `memory`: how much they need.
- `exact`: the sum that decides every ranking.
- `certified`: how exact lists are made fast: a quick product proposes, exact sums rank, a bound proves.
"""
