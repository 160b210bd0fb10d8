"""Clustering on feature shards: Ray actors, each with some rows of the feature table. Start at `graph`.

- `refresh_service`, `sharded_features`: the refresh of an epoch on the shards, for the workers of a group and
  for a method.
- `graph`: the process that asks the shards, step by step; `half_ring`: which shard is searched by which.
- `feature_shard`: the actor; `shard_search` and `shard_encoding`: what it computes for a graph, without Ray.
- `layout`: which rows are where; `assembly`: results of all shards put together; `memory`: how much a shard
  takes; `placement`: which shard is on which node.
"""
